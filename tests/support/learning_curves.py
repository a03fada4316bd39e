"""Made-up learning curves over a study's searched space: no training stands behind a figure.

A landscape is drawn by a seed: where its optimum lies, how much each parameter weighs, how two of
them play together. Curves cross as real ones do: strong augmentation and small rates learn slowly
and end well, a high rate scores low until it has come down. Nothing is fitted to anything.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from spineseg.config.search import Axis, Choices, FloatRange, IntRange

TOP, DEPTH = 0.60, 0.14  # The best score there is, and what a middling configuration lacks of it.
SEED_SD, EPOCH_SD = 0.004, 0.006  # Between trainings that are alike; between epochs of one.
_HEAVY = {"lr0": 4.0, "mosaic": 2.0, "cls_gain": 1.5, "weight_decay": 1.5}
_SLOW = {"mosaic": 1.0, "scale": 0.5, "degrees": 0.3, "translate": 0.3, "hsv_v": 0.2}


def unit(axis: Axis, value: Any) -> float:
    """Return where on its axis a value lies, 0 to 1."""
    match axis:
        case Choices(choices=choices):
            return choices.index(value) / (len(choices) - 1)
        case FloatRange(low=low, high=high, log=True):
            return math.log(value / low) / math.log(high / low)
        case FloatRange(low=low, high=high) | IntRange(low=low, high=high):
            return float((value - low) / (high - low))


def value_at(axis: Axis, place: float) -> Any:
    """Return the value at a place on an axis, 0 to 1."""
    match axis:
        case Choices(choices=choices):
            return choices[min(len(choices) - 1, int(place * len(choices)))]
        case FloatRange(low=low, high=high, log=True):
            return low * (high / low) ** place
        case FloatRange(low=low, high=high):
            return low + place * (high - low)
        case IntRange(low=low, high=high, step=step):
            return low + step * round(place * (high - low) / step)


class Landscape:
    """What each configuration of a space scores, epoch by epoch; `crossing` 0: curves are alike."""

    def __init__(
        self, space: Mapping[str, Axis], seed: int, epochs: int, crossing: float = 1.0
    ) -> None:
        rng = np.random.default_rng(seed)
        self.space, self.epochs, self.crossing, self._seed = dict(space), epochs, crossing, seed
        self._best = {name: rng.uniform(0.15, 0.85) for name in space}
        self._best |= {name: float(rng.integers(2)) for name in space if self._is_choice(name)}
        weights = {name: rng.exponential() * _HEAVY.get(name, 1.0) for name in space}
        whole = sum(weights.values())
        self._weights = {name: weight / whole for name, weight in weights.items()}
        self._pair = tuple(rng.choice(sorted(space), 2, replace=False))

    def _is_choice(self, name: str) -> bool:
        return isinstance(self.space[name], Choices)

    def random(self, rng: np.random.Generator) -> dict[str, Any]:
        """Return a configuration drawn evenly."""
        return {name: value_at(axis, rng.uniform()) for name, axis in self.space.items()}

    def final(self, changes: Mapping[str, Any]) -> float:
        """Return what a configuration scores in the end, without any noise."""
        away = {name: unit(axis, changes[name]) - self._best[name] for name, axis in self._axes()}
        lacks = sum(self._weights[name] * away[name] ** 2 for name in away)
        lacks += 0.3 * away[self._pair[0]] * away[self._pair[1]] * self._weights[self._pair[0]]
        # A random place is 1/9 off on the mean of squares where the optimum is the middle.
        return TOP - DEPTH * max(0.0, lacks) * 9 / 2

    def _axes(self) -> list[tuple[str, Axis]]:
        return list(self.space.items())

    def curve(self, changes: Mapping[str, Any], seed: int) -> np.ndarray:
        """Return the scores after each epoch, (epochs,); the same for the same seed."""
        rng = np.random.default_rng([self._seed, seed])
        final = self.final(changes) + rng.normal(0, SEED_SD)
        at = {name: unit(axis, changes[name]) for name, axis in self._axes()}
        slow = sum(_SLOW.get(name, 0.0) * place for name, place in at.items()) / sum(_SLOW.values())
        rate = at.get("lr0", 0.5)
        tempo = 0.05 + self.crossing * (0.08 * slow + 0.05 * (1 - rate))
        done = np.arange(1, self.epochs + 1) / self.epochs
        learnt = (1 - np.exp(-done / tempo)) / (1 - math.exp(-1 / tempo))
        left = 0.5 * (1 + np.cos(np.pi * done)) if changes.get("cos_lr") else 1 - done
        restless = self.crossing * 0.10 * rate * left  # A rate that has not come down yet.
        noise = rng.normal(0, EPOCH_SD, self.epochs) * np.linspace(1, 0.2, self.epochs)
        return np.maximum(0.0, final * (learnt - restless) + noise)
