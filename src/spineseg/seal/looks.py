"""A film's look in 256 bits, by which a copy of it is known again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from spineseg.data.likeness.descriptor import descriptors_of, film_hash
from spineseg.decoding.decode import read_film
from spineseg.workers import on_all_cores

MOST_APART = 24
"""Bits of 256 in which two looks of one film differ at most. Of 433 radiographs no two came nearer
than 25, of 300 phantoms than 36, which the bound was chosen on; nearly all copies that were
compressed, halved, bordered or changed in contrast do, cropped ones do not (docs/evidence.md)."""
_FEW = 200  # Looked at before other processes would have started.


def look_of(film: np.ndarray) -> str:
    """Return the look of a film (rows, columns, 3) uint8: 64 hexadecimal digits.

    The signs of its 16 by 16 slowest waves (a DCT of its thumbnail without borders, evened out): a
    perceptual hash after Zauner (2010), four times as long, since spines look alike.
    """
    waves = descriptors_of(film_hash(Image.fromarray(film))[None]).waves[0]
    return np.packbits(waves.ravel() > 0).tobytes().hex()


def looks_of(films: Sequence[Path]) -> list[str]:
    """Return the looks of films. Raises DataError for one that is damaged."""
    return list(on_all_cores(_look, films, few=_FEW, name="film"))


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


def _look(path: Path) -> str:
    return look_of(read_film(path))
