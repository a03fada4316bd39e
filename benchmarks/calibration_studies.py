"""Simulated studies with known noise: tables of many at once, and one's matches for real AP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spineseg.evaluation.precision import IOU_THRESHOLDS, LevelMatches
from spineseg.evidence.run_matches import RunMatches
from spineseg.metrics import RATES

NOISES = {
    "patients": (1.0, 0.0, 0.0),
    "seeds": (0.0, 1.0, 0.0),
    "interaction": (0.0, 0.0, 1.0),
    "patients and seeds": (0.5, 0.5, 0.0),
    "mostly seeds": (0.2, 0.8, 0.0),
    "mostly patients": (0.8, 0.0, 0.2),
    "seeds and interaction": (0.0, 0.5, 0.5),
    "all three": (1 / 3, 1 / 3, 1 / 3),
}
"""Share of the variance of the difference that comes of each source."""


def _normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.standard_normal(shape, np.float32)


def _skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.standard_exponential(shape, np.float32) - np.float32(1)


def _heavy(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Student's t of 5 degrees of freedom, of variance 1."""
    return np.asarray(rng.standard_t(5, shape) / np.sqrt(5 / 3), np.float32)


_DRAWS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]] = {
    "normal": _normal,
    "skewed": _skewed,
    "heavy tails": _heavy,
}
_COUNTED = {name for rate in RATES for name in (rate.part, rate.whole)}
METRICS = (*_DRAWS, "1 to 4 films", "found vertebrae")


@dataclass(frozen=True)
class Cell:
    """One setting of simulated studies; the baseline has a training more, as in the product."""

    metric: str
    patients: int
    seeds: int
    noise: str
    ratio: float = 1.0  # Variance between a finalist's seeds over that between the baseline's.
    finalists: int = 1
    once: bool = False  # Finalists are trained once, as variants are.
    gain_sd: float = 0.0  # The first finalist's true gain, in standard deviations between seeds.

    def trainings(self, arm: int) -> int:
        """Return how many trainings an arm has; arm 0 is the baseline."""
        return self.seeds + 1 if arm == 0 else 1 if self.once else self.seeds

    def arms(self, rng: np.random.Generator, studies: int) -> list[list[np.ndarray]]:
        """Return each arm's tables on validation and on test, (studies, patients, seeds) each.

        Pseudo-values; seeds are the same on both parts, patients others, as many.
        """
        by_patients, by_seeds, by_both = NOISES[self.noise]
        draw = _DRAWS.get(self.metric, _normal)
        n, k = self.patients, self.seeds
        wholes = [self._wholes(rng, studies) for _ in range(2)]
        arms = []
        for arm in range(self.finalists + 1):
            runs = self.trainings(arm)
            wide = np.sqrt(self.ratio) if arm else 1.0
            seeds = wide * np.sqrt(by_seeds * k / 2) * draw(rng, (studies, 1, runs))
            gain = self.gain_sd * np.sqrt((by_seeds + by_both) * k / 2) if arm == 1 else 0.0
            tables = []
            for whole in wholes:
                own = np.sqrt(by_patients * n / 2) * draw(rng, (studies, n, 1))
                both = np.sqrt(by_both * n * k / 2) * draw(rng, (studies, n, runs))
                tables.append(self._measured(rng, own + seeds + both + gain, whole))
            arms.append(tables)
        return arms

    def _wholes(self, rng: np.random.Generator, studies: int) -> np.ndarray:
        """Return what each patient's metric is a share of: films, or labelled vertebrae."""
        shape = (studies, self.patients, 1)
        if self.metric == "1 to 4 films":
            return rng.integers(1, 5, shape)
        if self.metric == "found vertebrae":
            return rng.integers(5, 18, shape)
        return np.ones(shape)

    def _measured(
        self, rng: np.random.Generator, value: np.ndarray, whole: np.ndarray
    ) -> np.ndarray:
        """Return jackknife pseudo-values of the metric, shaped as `value`."""
        if self.metric not in METRICS[3:]:
            return value
        if self.metric == "found vertebrae":
            chance = 1 / (1 + np.exp(-1 - 0.5 * value))
            part = rng.binomial(np.broadcast_to(whole, value.shape), chance)
        else:
            part = whole * value
        score = part.sum(axis=1, keepdims=True) / whole.sum(axis=1, keepdims=True)
        rest = (part.sum(axis=1, keepdims=True) - part) / (whole.sum(axis=1, keepdims=True) - whole)
        return np.asarray(self.patients * score - (self.patients - 1) * rest)


@dataclass(frozen=True)
class MatchCell:
    """Studies of detections, scored by the project's own AP; noise as of a detection's logit."""

    patients: int
    films: int  # Of each patient.
    seeds: int
    by_patients: float  # Standard deviations.
    by_seeds: float
    by_both: float
    finalists: int = 3
    levels: int = 2

    @property
    def owners(self) -> list[str]:
        """The patient of each film."""
        return [str(patient) for patient in range(self.patients) for _ in range(self.films)]

    def arms(self, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return each arm's skill on validation and on test, (trainings, patients) each.

        Seeds are the same on both.
        """
        shared = [rng.normal(0, 1, self.patients) for _ in range(2)]  # How hard a patient is.
        found = []
        for arm in range(self.finalists + 1):
            seeds = rng.normal(0, self.by_seeds, (self.seeds + (arm == 0), 1))
            valid, test = (
                hard + rng.normal(0, self.by_patients, self.patients) + seeds for hard in shared
            )
            found.append((valid, test))
        return found

    def runs(self, rng: np.random.Generator, skills: np.ndarray) -> list[RunMatches]:
        """Return the matches of an arm's trainings on one part."""
        return [self._run(rng, skill) for skill in skills]

    def _run(self, rng: np.random.Generator, skill: np.ndarray) -> RunMatches:
        films = self.patients * self.films
        of_film = np.repeat(skill + rng.normal(0, self.by_both, self.patients), self.films)
        levels = []
        for _ in range(self.levels):
            own = of_film + rng.normal(0, 0.3, films)
            overlap = 1 / (1 + np.exp(-1.2 - own))
            false = np.flatnonzero(rng.random(films) < 0.3)
            sure = 1 / (1 + np.exp(-own - rng.normal(0, 1, films)))
            confidences = np.concatenate([sure, 0.7 * rng.random(len(false))])
            met = np.zeros((len(IOU_THRESHOLDS), len(false)), bool)
            hits = np.concatenate([overlap >= IOU_THRESHOLDS[:, None], met], axis=1)
            order = np.argsort(-confidences)
            places = np.concatenate([np.arange(films), false])[order]
            levels.append(
                LevelMatches(confidences[order], places, hits[:, order], np.ones(films, int))
            )
        kinds = {"mask": tuple(levels), "box": tuple(levels)}
        counts = {name: np.full(films, float(self.levels)) for name in _COUNTED}
        return RunMatches(tuple(map(str, range(films))), kinds, counts)


MATCHES = {
    "mixed, 8 patients": MatchCell(8, 1, 3, 0.3, 0.1, 0.3),
    "interaction, 24 patients": MatchCell(24, 1, 3, 0.0, 0.0, 0.6),
    "seeds, 24 patients": MatchCell(24, 1, 3, 0.0, 0.3, 0.0),
    "mixed, 20 patients of 2 films": MatchCell(20, 2, 4, 0.5, 0.1, 0.3),
}
