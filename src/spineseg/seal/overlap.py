"""Test films that were opened before, and are met again: in a test part, or to train on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from spineseg.data.manifest import Dataset
from spineseg.errors import DataError
from spineseg.seal.ledger import read_ledger
from spineseg.seal.looks import alike
from spineseg.seal.opening import PART, OpenedFilm, Opening, opened_films


class Seen(NamedTuple):
    """How much of some films was opened before, and in which openings, oldest first."""

    films: int
    of: int
    patients: int  # Films that were not, whose patient's others were.
    by: tuple[Opening, ...]

    def text(self) -> str:
        """Return in words what share was seen, when and by whom."""
        last = self.by[-1]
        who = f" ({last.who})" if last.who else ""
        share = f"{self.films} of its {self.of} films were opened before"
        if self.patients:
            share += f", and {self.patients} more are of patients of whom others were"
        times = f"{len(self.by)} times, " if len(self.by) > 1 else ""
        return f"{share}: {times}last on {last.time} by study {last.study!r}{who}"


def seen_before(films: Sequence[OpenedFilm], seal: str, entries: Iterable[Opening]) -> Seen:
    """Return what of `films`, whose test part has the `seal`, earlier entries tell of."""
    seen, of_patients, by = np.zeros(len(films), bool), np.zeros(len(films), bool), []
    for entry in entries:
        same = same_films(films, entry.films) | bool(entry.seal and entry.seal == seal)
        patients = {film.patient for film in entry.films if film.patient}
        known = np.array([film.patient in patients for film in films], bool)
        if same.any() or known.any():
            by.append(entry)
        seen |= same
        of_patients |= known
    return Seen(int(seen.sum()), len(films), int((of_patients & ~seen).sum()), tuple(by))


def same_films(films: Sequence[OpenedFilm], others: Sequence[OpenedFilm]) -> np.ndarray:
    """Return which of `films` are among `others`: the same file, or a copy of its picture."""
    contents = {film.content for film in others}
    equal = np.array([film.content in contents for film in films], bool)
    return equal | alike([film.look for film in films], [film.look for film in others])


def refuse_opened_in_training(root: Path, dataset: Dataset) -> None:
    """Raise DataError where films that were opened as test films are to be trained on.

    Films of the dataset's own test part are its audit's matter: a copy in training is a leak.
    """
    opened = [(film, entry) for entry in read_ledger(root).entries for film in entry.films]
    own = [entry for entry in dataset.manifest.entries if entry.part == PART]
    contents = {entry.content_sha256 for entry in own}
    gone = [(film, entry) for film, entry in opened if film.content not in contents]
    if not gone:
        return
    folder = dataset.folder
    tested = alike(
        [film.look for film, _ in gone],
        [film.look for film in opened_films(dataset.manifest, folder, own)],
    )
    left = [pair for pair, is_tested in zip(gone, tested, strict=True) if not is_tested]
    trained = [e for e in dataset.manifest.entries if e.part == "train" and not e.augmented]
    films = opened_films(dataset.manifest, folder, trained)
    met = int(same_films(films, [film for film, _ in left]).sum())
    if not met:
        return
    last = left[-1][1]
    raise DataError(
        f"{met} of {len(films)} training films were opened as test films on {last.time} by study "
        f"{last.study!r}: what learns from them cannot be measured on them; keep data.split_seed "
        "and the fractions as that study has them, take these films out, or name another store.root"
    )
