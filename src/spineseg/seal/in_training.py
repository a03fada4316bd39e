"""Test films that were opened, and are now to be trained on."""

from __future__ import annotations

from pathlib import Path

from spineseg.data.manifest import Dataset
from spineseg.errors import DataError
from spineseg.seal.known import opened_films, tested_films
from spineseg.seal.ledger import read_ledger
from spineseg.seal.opening import PART
from spineseg.seal.overlap import alike, same_films


def refuse_opened_in_training(root: Path, dataset: Dataset) -> None:
    """Raise DataError where films that were opened as test films are to be trained on.

    Films of the dataset's own test part are its audit's matter: a copy in training is a leak.
    """
    opened = [(film, entry) for entry in read_ledger(root).entries for film in entry.films]
    contents = {e.content_sha256 for e in dataset.manifest.entries if e.part == PART}
    gone = [(film, entry) for film, entry in opened if film.content not in contents]
    if not gone:
        return
    own = tested_films(dataset.manifest, dataset.folder)
    tested = alike([film.look for film, _ in gone], [film.look for film in own])
    left = [pair for pair, is_tested in zip(gone, tested, strict=True) if not is_tested]
    trained = [e for e in dataset.manifest.entries if e.part == "train" and not e.augmented]
    films = opened_films(dataset.manifest, dataset.folder, trained)
    met = int(same_films(films, [film for film, _ in left]).sum())
    if not met:
        return
    last = left[-1][1]
    raise DataError(
        f"{met} of {len(films)} training films were opened as test films on {last.time} by study "
        f"{last.study!r}: what learns from them cannot be measured on them; keep data.split_seed "
        "and the fractions as that study has them, take these films out, or name another store.root"
    )
