"""Finds films that show the same picture: re-encoded, brightened, cropped, flipped or turned.

First a perceptual hash tells which films could be alike; those that are not clearly so are laid
over each other and compared in detail.

The hash is the perceptual hash of Zauner (2010, as `phash` of the library ImageHash), larger: the
signs of 255 low frequencies of the film's cosine transform against their median. One transform
gives the hashes of all eight flips and turns, since flipping a picture only changes signs of its
transform and turning it also transposes it; ImageHash would have to hash eight pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np
from PIL import Image
from scipy.fft import dctn

from spineseg.workers import on_all_cores

SIDE_PX = 64  # What a film is shrunk to before its transform.
_FREQUENCIES = 16
BITS = _FREQUENCIES**2 - 1
SURE_BITS = 20
"""Films whose hashes differ by no more bits show the same picture: whole copies differ by up to
14, other patients' films by 34 or more (docs/data.md)."""
MAYBE_BITS = 50
"""Up to here a copy may be cropped by some hundredths, or another patient's film much alike."""
SAME_DETAIL = 0.96
"""Correlation of detail once aligned: cropped copies reach 0.98, other patients 0.93."""
_DETAIL_PX = 128
_FEW = 100  # Pairs that are compared before other processes would have started.
_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)

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
    """Two films that may show the same picture: the first in that pose, and the second."""

    first: int
    second: int
    bits: int
    pose: Pose


def same_pictures(hashes: np.ndarray, films: Sequence[Path]) -> list[Pair]:
    """Return the pairs of films that show one picture; the doubtful are laid over each other.

    `hashes` are (films, 8, 4) uint64, `films` their files.
    """
    maybe = list(alike_pairs(hashes, MAYBE_BITS))
    doubtful = [pair for pair in maybe if pair.bits > SURE_BITS]
    files = [(films[pair.first], films[pair.second], pair.pose) for pair in doubtful]
    agreements = on_all_cores(_agreement, files, few=_FEW)
    same = {pair for pair, r in zip(doubtful, agreements, strict=True) if r >= SAME_DETAIL}
    return [pair for pair in maybe if pair.bits <= SURE_BITS or pair in same]


def _agreement(files: tuple[Path, Path, Pose]) -> float:
    cv2.setNumThreads(1)
    with Image.open(files[0]) as first, Image.open(files[1]) as second:
        return same_detail(first, second, files[2])


def film_hash(film: Image.Image) -> np.ndarray:
    """Return the hashes of a film in its eight poses, (8, 4) uint64; the first is as it is."""
    small = film.convert("L").resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    waves = dctn(np.asarray(small, dtype=np.float32))[:_FREQUENCIES, :_FREQUENCIES]
    signs = (-1.0) ** np.arange(_FREQUENCIES, dtype=np.float32)
    posed = np.empty((len(_POSES), *waves.shape), dtype=np.float32)
    for row, (_, transposed, columns, rows) in enumerate(_POSES):
        posed[row] = waves.T if transposed else waves
        posed[row] *= signs if columns else 1
        posed[row] *= signs[:, None] if rows else 1
    low = posed.reshape(len(_POSES), -1)[:, 1:]  # Without the mean: brightness says nothing.
    middle = np.partition(low, BITS // 2, axis=1)[:, BITS // 2, None]
    hashes = np.zeros((len(_POSES), BITS + 1), dtype=bool)
    hashes[:, :BITS] = low > middle
    return np.packbits(hashes, axis=1).view(np.uint64)


def alike_pairs(hashes: np.ndarray, most_bits: int = SURE_BITS) -> Iterator[Pair]:
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


def same_detail(first: Image.Image, second: Image.Image, pose: Pose) -> float:
    """Return how well two films agree in detail once the first is posed and aligned, -1..1.

    The alignment is affine and maximises the enhanced correlation coefficient (Evangelidis and
    Psarakis 2008, as in OpenCV), on films freed of their large-scale brightness: what is compared
    are edges of bodies and ribs. 0 where no alignment is found.
    """
    one, other = _detail(_posed(_small(first), pose)), _detail(_small(second))
    border = _DETAIL_PX // 16
    inner = np.zeros(one.shape, np.uint8)
    inner[border:-border, border:-border] = 255
    start = np.eye(2, 3, dtype=np.float32)
    try:
        agreement, _ = cv2.findTransformECC(one, other, start, cv2.MOTION_AFFINE, _STEPS, inner, 5)
    except cv2.error:  # It did not converge.
        return 0.0
    return float(agreement)


def _small(film: Image.Image) -> np.ndarray:
    side = (_DETAIL_PX, _DETAIL_PX)
    film.draft("L", (2 * _DETAIL_PX, 2 * _DETAIL_PX))  # A larger JPEG is decoded reduced.
    return np.asarray(film.convert("L").resize(side, Image.Resampling.BOX), dtype=np.float32)


def _posed(film: np.ndarray, pose: Pose) -> np.ndarray:
    transposed, columns, rows = next(rest for name, *rest in _POSES if name == pose)
    film = film.T if transposed else film
    film = film[:, ::-1] if columns else film
    return np.ascontiguousarray(film[::-1] if rows else film)


def _detail(film: np.ndarray) -> np.ndarray:
    """Return a film less its large-scale brightness, of even contrast throughout."""
    wide = _DETAIL_PX / 16
    edges = film - cv2.GaussianBlur(film, (0, 0), wide)
    return edges / (cv2.GaussianBlur(np.abs(edges), (0, 0), wide) + 4.0)
