"""Finds for each film the few others that could show its picture, by their waves alone.

First all films are compared by the correlation of their waves in all eight poses: one matrix
product, which is negative for inverted films. Then each film's nearest are compared allowing for a
small crop, shift, zoom or rotation: to first order these change the waves by a sum of six
derivatives (tangent distance; Simard, LeCun and Denker 1993), so what counts is how much of the
other's waves lies within that space. The best few of each film are its candidates.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.fft import dct

from spineseg.data.likeness.descriptor import SIDE_PX, WAVES
from spineseg.data.likeness.poses import BACK, wave_turns

_KEPT = 12  # Of the waves: finer ones do not survive a crop.
_NEAREST = 48  # Films that are compared allowing for crops.
_PLAINLY = 1  # Candidates that a film has by correlation alone,
_ZOOMS = ((1.0, 1), (0.88, 1))  # by its changes, and by those of its middle, as after a wide crop.
MOST_CANDIDATES = 5
"""That one film asks for: those, and the first of its equals for each zoom."""
_LEAST = 0.78  # Share of the waves' length; equalised copies keep 0.81 of it.
_EQUALS = 0.97  # Beyond it films are copies of one another, and few tell who is nearest.
_STIFFNESS = 0.01  # Against changes of more than a tenth of a film's side.
_REACH = 0.1
_NOTHING = 1e-9  # The length of a blank film's waves.
_BLOCK = 4_000_000  # Correlations at a time: 16 MB.


class Candidate(NamedTuple):
    """Two films that could show one picture: the first in the pose of that turn, and the second.

    `map` is what they promise to differ by: (2, 3), from the second, turned back, to the first, of
    places that are -1..1 across a film.
    """

    first: int
    second: int
    turn: int
    inverted: bool
    likeness: float  # 0..1.
    map: np.ndarray


def candidates(waves: np.ndarray) -> list[Candidate]:
    """Return the pairs worth a closer look, at most `MOST_CANDIDATES` for each film.

    `waves` are (films, 16, 16) float32. The work of the matrix product grows with the square of
    the films (20,000 take some ten seconds), the number of candidates and the memory do not.
    """
    if len(waves) < 2:
        return []
    found: dict[frozenset[int], Candidate] = {}
    plain = _changed(waves, *_changes(1.0)[0])
    plain /= np.maximum(np.linalg.norm(plain, axis=1, keepdims=True), _NOTHING)
    for zoom, most in _ZOOMS:
        for candidate in _each_best(waves, plain, zoom, most):
            pair = frozenset((candidate.first, candidate.second))
            if pair not in found or found[pair].likeness < candidate.likeness:
                found[pair] = candidate
    return list(found.values())


def _each_best(waves: np.ndarray, plain: np.ndarray, zoom: float, most: int) -> Iterator[Candidate]:
    """Yield the candidates of each film, `most` by its changes.

    What is sought are the films' middles, as `zoom` says, among the whole films: `plain`, their
    kept waves of length 1, (films, kept).
    """
    films = len(waves)
    places, signs = _kept_turns()
    across = np.ascontiguousarray(plain.T)
    block = max(1, _BLOCK // (8 * films))
    nearest = min(_NEAREST, films - 1)
    for start in range(0, films, block):
        rows = np.arange(start, min(start + block, films))
        tangents = _tangents(waves[rows], zoom)
        turned = tangents[:, 0, places] * signs  # (rows, 8, kept)
        alike = turned.swapaxes(0, 1).reshape(-1, plain.shape[1]) @ across
        alike = alike.reshape(8, len(rows), films)
        best = np.maximum(alike.max(axis=0), -alike.min(axis=0))
        best[np.arange(len(rows)), rows] = -1
        near = np.argpartition(best, -nearest, axis=1)[:, -nearest:]  # (rows, nearest)
        equal = (best > _EQUALS).argmax(axis=1)
        near[:, 0] = np.where(best[np.arange(len(rows)), equal] > _EQUALS, equal, near[:, 0])
        of = np.arange(len(rows))[:, None]
        signed = alike[:, of, near]  # (8, rows, nearest)
        turn = np.abs(signed).argmax(axis=0)
        sign = np.take_along_axis(signed, turn[None], axis=0)[0]
        back = BACK[turn]
        others = np.take_along_axis(plain[near], places[back], axis=2) * signs[back]
        within, maps = _within(tangents, others)
        chosen = _chosen(np.abs(sign), within, most, _PLAINLY if zoom == 1 else 0)
        for row, column in zip(*np.nonzero(chosen), strict=True):
            yield Candidate(
                int(rows[row]),
                int(near[row, column]),
                int(turn[row, column]),
                bool(sign[row, column] < 0),
                float(within[row, column]),
                zoom * maps[row, column],
            )


def _chosen(alike: np.ndarray, within: np.ndarray, most: int, plainly: int) -> np.ndarray:
    """Return which of each film's nearest are its candidates, (films, nearest) bool."""
    rows = np.arange(len(alike))
    chosen = np.zeros(alike.shape, bool)
    for measure, count in ((alike, plainly), (within, most)):
        for place in np.argsort(-measure, axis=1)[:, :count].T:
            chosen[rows, place] = True
    chosen[:, 0] |= alike[:, 0] > _EQUALS
    return chosen & (within >= _LEAST)


def _within(tangents: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the length of `others` (films, nearest, kept) within each film's small changes.

    And these changes, (films, nearest, 2, 3). The least squares are damped: a large change is no
    small one.
    """
    gram = tangents @ tangents.swapaxes(1, 2)  # (films, 7, 7)
    gram[:, np.arange(1, 7), np.arange(1, 7)] += _STIFFNESS
    gram += 1e-6 * np.eye(7, dtype=np.float32)  # A blank film has no waves.
    projected = others @ tangents.swapaxes(1, 2)  # (films, nearest, 7)
    solved = np.linalg.solve(gram, projected.swapaxes(1, 2)).swapaxes(1, 2)
    length = np.sqrt(np.maximum(0, (projected * solved).sum(axis=2)))
    film = np.where(np.abs(solved[..., :1]) > 0.1, solved[..., :1], 1)
    changes = np.clip(_REACH * solved[..., 1:] / film, -2 * _REACH, 2 * _REACH)
    maps = changes.reshape(*length.shape, 2, 3)[..., [1, 2, 0]]
    return length, maps + np.eye(2, 3, dtype=np.float32)


def _tangents(waves: np.ndarray, zoom: float) -> np.ndarray:
    """Return the waves of films' middles, of length 1, and their derivatives: (films, 7, kept).

    The six derivatives are by the affine changes of x and y, in tenths of half a film's side.
    """
    result = np.stack([_changed(waves, *change) for change in _changes(zoom)], axis=1)
    length = np.linalg.norm(result[:, 0], axis=1)[:, None, None]
    result /= np.maximum(length, _NOTHING)
    result[:, 1:] *= _REACH
    return result


def _changed(waves: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the kept waves of films after a change along rows and columns, (films, kept)."""
    return (rows @ waves @ columns.T).reshape(len(waves), -1)[:, _kept()]


@cache
def _changes(zoom: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return what makes a film's middle and its derivatives of its waves, by rows and columns.

    Films count less towards their edges, where crops take from them.
    """
    place = np.arange(SIDE_PX)
    x = (2 * place + 1) / SIDE_PX - 1
    taper = np.sqrt(np.hanning(SIDE_PX + 2)[1:-1])
    transform = dct(np.eye(SIDE_PX), norm="ortho", axis=0)
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


@cache
def _kept() -> np.ndarray:
    """Return the places of the waves that are compared, among 12 x 12; the mean says nothing."""
    number = np.arange(_KEPT)
    fineness = np.hypot(number[:, None], number).ravel()
    return np.flatnonzero((fineness >= 1) & (fineness <= _KEPT))


@cache
def _kept_turns() -> tuple[np.ndarray, np.ndarray]:
    """Return places and signs of the kept waves of each turn, (8, waves)."""
    places, signs = wave_turns(_KEPT)
    kept = _kept()
    among = np.full(_KEPT**2, -1)
    among[kept] = np.arange(len(kept))
    return among[places[:, kept]], signs[:, kept]
