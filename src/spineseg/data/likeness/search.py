"""Finds for each film the few others that could show its picture, by their waves alone.

First all films are compared by the correlation of their waves in all eight poses: one matrix
product, which is negative for inverted films. Then each film's nearest are compared allowing for a
small crop, shift, zoom or rotation: to first order these change the waves by a sum of six
derivatives (tangent distance; Simard, LeCun and Denker 1993), so what counts is how much of the
other's waves lies within that space. The best few of each film are its candidates.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from spineseg.data.likeness.poses import BACK
from spineseg.data.likeness.waves import (
    REACH,
    kept_turns,
    largest,
    plain_waves,
    products,
    tangents_of,
    turned,
)

_NEAREST = 48  # Films that are compared allowing for crops.
_PLAINLY = 1  # Candidates that a film has by correlation alone,
_ZOOMS = ((1.0, 1), (0.88, 1))  # by its changes, and by those of its middle, as after a wide crop.
MOST_CANDIDATES = 5
"""That one film asks for: those, and the first of its equals for each zoom."""
_LEAST = 0.78  # Share of the waves' length; equalised copies keep 0.81 of it.
_EQUALS = 0.97  # Beyond it films are copies of one another, and few tell who is nearest.
_STIFFNESS = 0.01  # Against changes of more than a tenth of a film's side.
_BLOCK, _MOST_ROWS = 4_000_000, 512  # Correlations, and films, at a time: some 25 MB.


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
    plain = plain_waves(waves)
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
    places, signs = kept_turns()
    across = np.ascontiguousarray(plain.T)
    nearest = min(_NEAREST, films - 1)
    block = max(1, min(_MOST_ROWS, _BLOCK // (8 * films)))
    room = np.empty((2, 4, block, films), np.float32)
    spare = np.empty((3, block, films), np.float32)
    for start in range(0, films, block):
        rows = np.arange(start, min(start + block, films))
        tangents = tangents_of(waves[rows], zoom)
        parts = room[:, :, : len(rows)]
        products(tangents[:, 0], across, parts)
        best = largest(parts, spare[:, : len(rows)])
        best[np.arange(len(rows)), rows] = -1
        near = np.argpartition(best, -nearest, axis=1)[:, -nearest:]  # (rows, nearest)
        equal = (best > _EQUALS).argmax(axis=1)
        near[:, 0] = np.where(best[np.arange(len(rows)), equal] > _EQUALS, equal, near[:, 0])
        of = np.arange(len(rows))[:, None]
        signed = turned(parts[:, :, of, near])  # (8, rows, nearest)
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
    changes = np.clip(REACH * solved[..., 1:] / film, -2 * REACH, 2 * REACH)
    maps = changes.reshape(*length.shape, 2, 3)[..., [1, 2, 0]]
    return length, maps + np.eye(2, 3, dtype=np.float32)
