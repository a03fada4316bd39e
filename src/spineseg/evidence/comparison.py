"""Is one arm better than another? Their difference in a metric, its interval and its p-value.

An arm is one configuration trained on one or more seeds; its score is the mean over its seeds.
Two arms are compared on the same films. What differs by chance is which patients were filmed and
which seeds were drawn: patients, never vertebrae or films, since those of one patient go together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np

from spineseg.errors import DataError
from spineseg.evidence.crossed import noise_of


class OnFilms(Protocol):
    """One run on a set of films, to be scored over any choice of them; `RunMatches` is one."""

    @property
    def films(self) -> tuple[str, ...]:
        """The films' names."""

    @property
    def counts(self) -> dict[str, np.ndarray]:
        """Under `labelled`, what each film adds to the whole of a share, (films,)."""

    def scores(self, metric: str, weights: np.ndarray) -> np.ndarray:
        """Return a metric over drawn films, (resamples,); weights are (resamples, films)."""

    def score(self, metric: str) -> float:
        """Return a metric over all films."""


class Difference(NamedTuple):
    """How far a challenger lies above the baseline, and how sure that is."""

    baseline: float
    challenger: float
    low: float  # 95 % interval of the difference, over patients and seeds
    high: float
    p: float  # Two-sided; of six patients or more below 0.05 where zero is left out

    @property
    def difference(self) -> float:
        """Challenger less baseline."""
        return self.challenger - self.baseline


def compare_arms(
    baseline: Sequence[OnFilms],
    challenger: Sequence[OnFilms],
    patients: Sequence[str],
    metric: str,
    *,
    error: float = 0.05,
) -> Difference:
    """Return the difference of two arms in a metric, its interval and its p-value.

    `patients` names each film's patient. Where no noise can be told (of one patient, or of a metric
    that is none without one of them), the interval is all that scores can differ by, and p is 1.
    Raises DataError for runs of unlike films, and for a metric that is no number.
    """
    _check_arms(baseline, challenger)
    base, mean = (float(np.mean([run.score(metric) for run in a])) for a in (baseline, challenger))
    if not np.isfinite([base, mean]).all():
        raise DataError(f"{metric} is not a number for one of the runs; evaluate it anew")
    before, after = _tables(baseline, challenger, metric, tuple(patients))
    if len(before) < 2 or not (np.isfinite(before).all() and np.isfinite(after).all()):
        return Difference(base, mean, -1.0, 1.0, 1.0)
    noise, apart = noise_of(before, after), mean - base
    half = float(noise.half_width(error))
    if not np.isfinite(half) and apart == 0:
        return Difference(base, mean, 0.0, 0.0, 1.0)  # Alike in everything.
    # Patients who happen to be alike give no smaller p than all ways to exchange so many would.
    p = max(float(noise.p_value(apart)), 2.0 ** (1 - len(before)))
    return Difference(base, mean, max(apart - half, -1.0), min(apart + half, 1.0), p)


def _tables(
    baseline: Sequence[OnFilms],
    challenger: Sequence[OnFilms],
    metric: str,
    patients: tuple[str, ...],
) -> tuple[np.ndarray, np.ndarray]:
    """Return what each patient adds to each run's metric, (patients, runs) of either arm.

    Jackknife pseudo-values. Patients without a label whose films change no score are left out.
    """
    weights = without_each(patients)
    scores = np.stack([r.scores(metric, weights) for r in (*baseline, *challenger)], axis=1)
    rest, whole = scores[:-1].astype(np.float64), scores[-1].astype(np.float64)
    labelled = np.einsum("pf,f->p", 1 - weights[:-1], baseline[0].counts["labelled"]) > 0
    rest = rest[labelled | (rest != whole).any(axis=1)]
    added = len(rest) * whole - (len(rest) - 1) * rest
    return added[:, : len(baseline)], added[:, len(baseline) :]


@lru_cache(maxsize=4)
def without_each(patients: tuple[str, ...]) -> np.ndarray:
    """Return weights that leave one patient out, and last none, (patients + 1, films) float32.

    The same argument gives the same array, which is not to be written to.
    """
    names, owner = np.unique(np.array(patients), return_inverse=True)
    return np.asarray(np.arange(len(names) + 1)[:, None] != owner, dtype=np.float32)


def _check_arms(*arms: Sequence[OnFilms]) -> None:
    """Raise DataError where runs cannot be compared film by film."""
    films = {run.films for arm in arms for run in arm}
    if not all(arms):
        raise DataError("an arm has no run with matches; nothing can be compared with it")
    if len(films) > 1:
        raise DataError(
            "the runs were scored on different films; compare runs of one dataset and part"
        )
