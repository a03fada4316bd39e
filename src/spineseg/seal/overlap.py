"""Test films that were opened before and are met again, as the same file or as a copy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from spineseg.seal.opening import OpenedFilm, Opening

MOST_APART = 24
"""Bits of 256 in which two looks of one film differ at most. Of 433 radiographs no two came nearer
than 25, of 300 phantoms than 36, which the bound was chosen on; nearly all copies that were
compressed, halved, bordered or changed in contrast do, cropped ones do not (docs/evidence.md)."""


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


def alike(looks: Sequence[str], others: Sequence[str]) -> np.ndarray:
    """Return which of `looks` is one of `others`, or its negative: (looks,) bool.

    An empty one, of a film that is not here, is like none.
    """
    told = [at for at, look in enumerate(looks) if look]
    met = np.zeros(len(looks), bool)
    known = _bits([look for look in others if look])
    if told and len(known):
        met[told] = [_is_among(bits, known) for bits in _bits([looks[at] for at in told])]
    return met


def _is_among(bits: np.ndarray, known: np.ndarray) -> bool:
    apart = (bits ^ known).sum(1)
    return bool((np.minimum(apart, bits.size - apart) <= MOST_APART).any())


def _bits(looks: Sequence[str]) -> np.ndarray:
    if not looks:
        return np.zeros((0, 256), np.uint8)
    packed = np.frombuffer(bytes.fromhex("".join(looks)), np.uint8).reshape(len(looks), -1)
    return np.unpackbits(packed, axis=1)
