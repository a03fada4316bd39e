"""Finds films that show the same picture: re-encoded, resized, brightened, flipped or turned.

The perceptual hash of Zauner (2010, as `phash` of the library ImageHash), larger: the signs of 255
low frequencies of the film's cosine transform against their median. One transform gives the hashes
of all eight flips and turns, since flipping a picture only changes signs of its transform and
turning it also transposes it; ImageHash would have to hash eight pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image
from scipy.fft import dctn

SIDE_PX = 64  # What a film is shrunk to before its transform.
_FREQUENCIES = 16
BITS = _FREQUENCIES**2 - 1
ALIKE_BITS = 22
"""Films whose hashes differ by no more bits show the same picture: copies differ by up to 14,
other patients' films by 33 or more (docs/data.md)."""

Pose = Literal[
    "as it is",
    "flipped left to right",
    "flipped upside down",
    "turned by 180°",
    "transposed",
    "turned by 90° clockwise",
    "turned by 90° counterclockwise",
    "transposed the other way",
]
_POSES: tuple[tuple[Pose, bool, bool, bool], ...] = (  # transposed, signs of columns, of rows
    ("as it is", False, False, False),
    ("flipped left to right", False, True, False),
    ("flipped upside down", False, False, True),
    ("turned by 180°", False, True, True),
    ("transposed", True, False, False),
    ("turned by 90° clockwise", True, True, False),
    ("turned by 90° counterclockwise", True, False, True),
    ("transposed the other way", True, True, True),
)


class Pair(NamedTuple):
    """Two films that show the same picture, by their places in what was given."""

    first: int
    second: int
    bits: int
    pose: Pose


def film_hash(film: Image.Image) -> np.ndarray:
    """Return the hashes of a film in its eight poses, (8, 4) uint64; the first is as it is."""
    small = film.convert("L").resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    waves = dctn(np.asarray(small, dtype=np.float32))[:_FREQUENCIES, :_FREQUENCIES]
    signs = (-1.0) ** np.arange(_FREQUENCIES, dtype=np.float32)
    hashes = np.zeros((len(_POSES), 256), dtype=bool)
    for row, (_, transposed, columns, rows) in enumerate(_POSES):
        posed = waves.T if transposed else waves
        posed = posed * signs if columns else posed
        posed = posed * signs[:, None] if rows else posed
        low = posed.ravel()[1:]  # Without the mean: brightness says nothing.
        hashes[row, :BITS] = low > np.median(low)
    return np.packbits(hashes, axis=1).view(np.uint64)


def alike_pairs(hashes: np.ndarray, most_bits: int = ALIKE_BITS) -> Iterator[Pair]:
    """Yield each pair of films, (films, 8, 4) uint64, that differ by at most `most_bits` bits.

    The work grows with the square of the films, the memory does not.
    """
    upright = np.ascontiguousarray(hashes[:, 0].T)  # (4, films)
    for first in range(len(hashes) - 1):
        others = upright[:, None, first + 1 :]
        differing = np.bitwise_count(hashes[first].T[:, :, None] ^ others)  # (4, 8, others)
        bits = differing.sum(axis=0, dtype=np.uint16)
        nearest = bits.min(axis=0)
        for other in np.flatnonzero(nearest <= most_bits):
            pose = int(bits[:, other].argmin())
            yield Pair(first, first + 1 + int(other), int(nearest[other]), _POSES[pose][0])
