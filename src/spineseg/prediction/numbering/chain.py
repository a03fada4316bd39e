"""A hidden Markov model of one column: its states are levels, its observations are bodies."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_MOST_SKIPPED = 4  # So many detections in a row may be no vertebra.
_GAP_SPREAD = 0.28  # Standard deviation of the logarithm of spacing along a column.
_GAP_FLOOR = 1e-4
_WORTH = 4.0  # Odds that a body fits in less well than the very best, made up for.
MISS = 0.03  # Probability that the network misses a vertebra.


class Ends(NamedTuple):
    """Spans that a column may have: weights, and the cost of bodies missed at either end."""

    weights: np.ndarray  # (spans,)
    first: np.ndarray  # (spans, states) probability that the first body seen has that level
    last: np.ndarray  # (spans, states)


class Chain:
    """The hidden Markov model of one film's bodies in one direction."""

    def __init__(
        self,
        apart: np.ndarray,
        pitch: np.ndarray,
        emitted: np.ndarray,
        certain: np.ndarray,
        ends: Ends,
        steps: np.ndarray,
    ) -> None:
        self._count = len(apart)
        self._ends = ends
        self._body = emitted * certain[:, None] * _WORTH  # (bodies, states): it is a vertebra
        self._none = 1 - certain  # (bodies,): it is none
        self._before = np.concatenate([[1.0], np.cumprod(self._none)])
        self._after = np.concatenate([np.cumprod(self._none[::-1])[::-1], [1.0]])
        self._moves = self._transitions(apart, pitch, steps)
        self._forward = self._run()
        weights = ends.weights[:, None]
        self._arrive = self._forward * ends.last * weights  # (bodies, spans, states)
        self.likelihood = float((self._arrive.sum(axis=(1, 2)) * self._after[1:]).sum())

    def _transitions(
        self, apart: np.ndarray, usual: np.ndarray, steps: np.ndarray
    ) -> dict[tuple[int, int], np.ndarray]:
        """Return (i, j) -> (states, states): from body i to j, those between being none."""
        moves: dict[tuple[int, int], np.ndarray] = {}
        if self._count < 2:
            return moves
        counts = np.maximum(steps, 1)
        for i in range(self._count):
            none = 1.0
            for j in range(i + 1, min(self._count, i + 2 + _MOST_SKIPPED)):
                gap = apart[i, j] / np.sqrt(usual[i] * usual[j])
                off = (
                    np.log(max(gap, 1e-3)) - np.log(np.arange(1, counts.max() + 1))
                ) / _GAP_SPREAD
                fits = np.maximum(np.exp(-0.5 * off**2), _GAP_FLOOR)
                fits = fits * MISS ** np.arange(counts.max())
                moves[i, j] = np.where(steps >= 1, fits[counts - 1], 0.0) * none
                none *= self._none[j]
        return moves

    def _run(self) -> np.ndarray:
        """Return (bodies, spans, states): the probability of all up to a body in that state."""
        forward = np.zeros((self._count, *self._ends.first.shape))
        for j in range(self._count):
            reached = self._ends.first * self._before[j]
            for i in range(max(0, j - 1 - _MOST_SKIPPED), j):
                reached = reached + forward[i] @ self._moves[i, j]
            forward[j] = reached * self._body[j]
        return forward

    def posterior(self) -> np.ndarray:
        """Return (bodies, states): the probability of each state; the rest to one: no vertebra."""
        backward = np.zeros_like(self._forward)
        for i in reversed(range(self._count)):
            left = self._ends.last * self._after[i + 1]
            for j in range(i + 1, min(self._count, i + 2 + _MOST_SKIPPED)):
                left = left + (backward[j] * self._body[j]) @ self._moves[i, j].T
            backward[i] = left
        joint = self._forward * backward * self._ends.weights[:, None]
        return np.asarray(joint.sum(axis=1) / max(self.likelihood, 1e-300))

    def path(self) -> list[int]:
        """Return the state of each body in the most probable run, -1: no vertebra (Viterbi)."""
        best = np.zeros_like(self._forward)
        origin = np.full((*self._forward.shape, 2), -1)
        for j in range(self._count):
            reached = self._ends.first * self._before[j] * self._ends.weights[:, None]
            for i in range(max(0, j - 1 - _MOST_SKIPPED), j):
                steps = best[i][:, :, None] * self._moves[i, j]  # (spans, from, to)
                source = steps.argmax(axis=1)
                value = np.take_along_axis(steps, source[:, None], axis=1)[:, 0]
                better = value > reached
                reached = np.where(better, value, reached)
                origin[j, ..., 0] = np.where(better, i, origin[j, ..., 0])
                origin[j, ..., 1] = np.where(better, source, origin[j, ..., 1])
            best[j] = reached * self._body[j]
        ending = best * self._ends.last * self._after[1:, None, None]
        body, span, state = np.unravel_index(int(ending.argmax()), ending.shape)
        path = [-1] * self._count
        while body >= 0:
            path[int(body)] = int(state)
            body, state = origin[body, span, state]
        return path
