"""Describes a film by a thumbnail freed of its borders, and by its waves freed of its brightness.

Both are small and say the same of a film whatever its size, borders, brightness and contrast; an
inverted film has the opposite waves, a flipped or turned one the same in other order and signs.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

SIDE_PX = 64
"""Side of a film's thumbnail."""
WAVES = 16
_EVEN = 0.9  # Share of a border's line that has one grey: letters may stand in it.
_SPREAD = 0.04  # And of the film's range of greys how far it may be off: JPEG blurs edges.
_MOST_TRIMMED = 0.45  # Of each side; a film that is even all over is not trimmed away.
_LEAST_SPREAD = 2.0  # Greys; a thumbnail of less is blank.
_LOW = cv2.dct(np.eye(SIDE_PX, dtype=np.float32), flags=cv2.DCT_ROWS).T[:WAVES]


class Descriptors(NamedTuple):
    """Descriptors of films: thumbnails (films, 64, 64) uint8, waves (films, 16, 16) float32.

    The waves of a blank film, which shows nothing, are all 0.
    """

    thumbs: np.ndarray
    waves: np.ndarray


def film_hash(film: Image.Image) -> np.ndarray:
    """Return the descriptor of a grey film, `descriptors_of` reads it: (4608,) uint8."""
    cv2.setNumThreads(1)
    thumb = thumbnail(np.asarray(film.convert("L")), SIDE_PX)
    waves = np.zeros((WAVES, WAVES), np.float16)
    if thumb.std() >= _LEAST_SPREAD:
        waves[:] = _LOW @ evened(thumb, SIDE_PX / 8) @ _LOW.T
    return np.concatenate([thumb.ravel(), waves.ravel().view(np.uint8)])


def descriptors_of(hashes: np.ndarray) -> Descriptors:
    """Return the descriptors that `film_hash` made, (films, 4608) uint8."""
    thumbs, waves = np.split(hashes, [SIDE_PX**2], axis=1)
    return Descriptors(
        thumbs.reshape(-1, SIDE_PX, SIDE_PX),
        np.ascontiguousarray(waves).view(np.float16).reshape(-1, WAVES, WAVES).astype(np.float32),
    )


def thumbnail(film: np.ndarray, side: int) -> np.ndarray:
    """Return a film (rows, columns) uint8 without its borders, shrunk to a square of `side` px."""
    top, bottom, left, right = picture_of(film)
    return cv2.resize(film[top:bottom, left:right], (side, side), interpolation=cv2.INTER_AREA)


def picture_of(film: np.ndarray) -> tuple[int, int, int, int]:
    """Return the rows and columns, from and to, within a film's even borders of any grey."""
    greys = np.sort(film[::8, ::8], axis=None)
    low, high = greys[len(greys) // 50], greys[-1 - len(greys) // 50]
    spread = max(3.0, _SPREAD * (float(high) - float(low)))
    rows, columns = film.shape
    box = [0, rows, 0, columns]
    lines = (rows, rows, columns, columns)
    moved = True
    while moved:
        moved = False
        for side in range(4):
            width = _border(film[box[0] : box[1], box[2] : box[3]], side, spread)
            trimmed = width + (box[side] if side % 2 == 0 else lines[side] - box[side])
            if width > 0 and trimmed < _MOST_TRIMMED * lines[side]:
                box[side] += -width if side % 2 else width
                moved = True
    return box[0], box[1], box[2], box[3]


def _border(film: np.ndarray, side: int, spread: float) -> int:
    """Return how many lines of one side (top, bottom, left, right) are of one even grey."""
    lines = film if side < 2 else film.T
    lines = lines[::-1] if side % 2 else lines
    grey = _median(lines[0])
    low, high = max(0, math.ceil(grey - spread)), min(255, math.floor(grey + spread))
    least = _EVEN * lines.shape[1]
    for width, line in enumerate(lines):
        if np.count_nonzero((line >= low) & (line <= high)) < least:
            return width
    return 0


def _median(greys: np.ndarray) -> float:
    """Return the median of a line's greys; numpy's own takes most of the time of a trim."""
    below, middle = (len(greys) - 1) // 2, len(greys) // 2
    parted = np.partition(greys, (below, middle))
    return (float(parted[below]) + float(parted[middle])) / 2


def evened(film: np.ndarray, wide: float) -> np.ndarray:
    """Return a film less its brightness over `wide` px, of even contrast throughout, float32.

    A film of other brightness or contrast gives the same, an inverted one the negative.
    """
    film = film.astype(np.float32)
    box = (2 * round(1.7 * wide) + 1,) * 2  # As wide as a Gaussian of that deviation.
    edges = film - cv2.blur(film, box)
    contrast = cv2.blur(np.abs(edges), box)
    return edges / (contrast + max(1e-3, 0.3 * float(contrast.mean())))
