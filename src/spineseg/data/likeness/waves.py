"""The waves of films that are compared: of their middles, in eight poses, and their derivatives.

A film's low waves give those of the film tapered, zoomed or moved a little, as linear maps along
rows and columns; no film is transformed again.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from spineseg.data.likeness.descriptor import SIDE_PX, WAVES
from spineseg.data.likeness.poses import wave_turns

REACH = 0.1
"""Of half a film's side: the change that a derivative stands for."""
_KEPT = 12  # Of the waves: finer ones do not survive a crop.
_NOTHING = 1e-9  # The length of a blank film's waves.


def plain_waves(waves: np.ndarray) -> np.ndarray:
    """Return the kept waves of whole films, of length 1: (films, kept)."""
    return tangents_of(waves, 1.0, derivatives=False)[:, 0]


def tangents_of(waves: np.ndarray, zoom: float, *, derivatives: bool = True) -> np.ndarray:
    """Return the waves of films' middles, of length 1, and their derivatives: (films, 7, kept).

    The six derivatives are by the affine changes of x and y, in tenths of half a film's side.
    """
    changes = _changes(zoom) if derivatives else _changes(zoom)[:1]
    result = np.stack([_changed(waves, *change) for change in changes], axis=1)
    length = np.linalg.norm(result[:, 0], axis=1)[:, None, None]
    result /= np.maximum(length, _NOTHING)
    result[:, 1:] *= REACH
    return result


def _changed(waves: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the kept waves of films after a change along rows and columns, (films, kept)."""
    changed = (rows @ waves @ columns.T).reshape(len(waves), -1)
    return np.ascontiguousarray(changed[:, _kept()])


@cache
def _changes(zoom: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return what makes a film's middle and its derivatives of its waves, by rows and columns.

    Films count less towards their edges, where crops take from them.
    """
    place = np.arange(SIDE_PX)
    x = (2 * place + 1) / SIDE_PX - 1
    taper = np.sqrt(np.hanning(SIDE_PX + 2)[1:-1])
    transform = cv2.dct(np.eye(SIDE_PX), flags=cv2.DCT_ROWS).T
    number = np.arange(WAVES)
    angle = np.pi / 2 * number * (zoom * x[:, None] + 1)
    scale = np.sqrt(np.where(number, 2, 1) / SIDE_PX)
    level, slope = scale * np.cos(angle), -scale * np.pi / 2 * number * np.sin(angle)

    def along(weight: np.ndarray, waves_of: np.ndarray) -> np.ndarray:
        return (transform[:_KEPT] @ (weight[:, None] * waves_of)).astype(np.float32)

    same, moved = along(taper, level), along(taper, slope)
    same_x, moved_x = along(taper * x, level), along(taper * x, slope)
    by_x = [(same, moved), (same, moved_x), (same_x, moved)]  # Shift, stretch, shear.
    return [(same, same), *by_x, (moved, same), (moved, same_x), (moved_x, same)]


def products(middle: np.ndarray, across: np.ndarray, parts: np.ndarray) -> None:
    """Write the products of films (rows, kept) with films (kept, films) into `parts`.

    (2, 4, rows, films): as they are and transposed; of waves that are even or odd along rows and
    columns. Flips change the signs of the odd parts alone, so these parts give all eight poses.
    """
    for turned, place in enumerate((0, 4)):  # Of `TURNS`.
        film = np.ascontiguousarray(middle[:, kept_turns()[0][place]])
        for part, waves in enumerate(_parities()):
            np.matmul(film[:, waves], across[waves], out=parts[turned, part])


def largest(parts: np.ndarray, spare: np.ndarray) -> np.ndarray:
    """Return the largest correlation by amount among the eight poses, (rows, films).

    `spare` is room for three such arrays, of which one is returned: fresh memory costs more time
    than the sums.
    """
    best, one, other = spare
    best[:] = 0
    for even, columns, rows, both in parts:
        for combined in (np.add, np.subtract):
            combined(even, columns, out=one)
            combined(rows, both, out=other)
            np.add(np.abs(one, out=one), np.abs(other, out=other), out=one)
            np.maximum(best, one, out=best)
    return best


def turned(parts: np.ndarray) -> np.ndarray:
    """Return the correlation in each of the eight poses, in the order of `TURNS`."""
    even, columns, rows, both = parts.swapaxes(0, 1)
    poses = (
        even + columns + rows + both,
        even - columns + rows - both,
        even + columns - rows - both,
        even - columns - rows + both,
    )
    return np.stack(poses, axis=1).reshape(8, *parts.shape[2:])


@cache
def _kept() -> np.ndarray:
    """Return the places of the waves that are compared, among 12 x 12; the mean says nothing.

    Those that are even along rows and columns come first, then those odd along columns, along rows
    and along both.
    """
    rows, columns = np.divmod(np.arange(_KEPT**2), _KEPT)
    fineness = np.hypot(rows, columns)
    order = np.argsort(2 * (rows % 2) + columns % 2, kind="stable")
    return order[((fineness >= 1) & (fineness <= _KEPT))[order]]


@cache
def _parities() -> list[slice]:
    """Return where the even and odd waves lie among those kept."""
    rows, columns = np.divmod(_kept(), _KEPT)
    ends = np.cumsum(np.bincount(2 * (rows % 2) + columns % 2))
    return [slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


@cache
def kept_turns() -> tuple[np.ndarray, np.ndarray]:
    """Return places and signs of the kept waves of each turn, (8, kept)."""
    places, signs = wave_turns(_KEPT)
    kept = _kept()
    among = np.full(_KEPT**2, -1)
    among[kept] = np.arange(len(kept))
    return among[places[:, kept]], signs[:, kept]
