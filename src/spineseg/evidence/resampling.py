"""Is one arm better than another? Paired bootstrap over patients and seeds, permutation tests.

An arm is one configuration trained on one or more seeds; its score is the mean over its seeds.
Two arms are compared on the same films. What differs by chance is which patients were filmed and
which seeds were drawn, so both are drawn anew: patients, never vertebrae, since those of one
patient go together (Field and Welsh 2007; hierarchical bootstrap of Saravanan et al. 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import sqrt
from typing import NamedTuple

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from spineseg.errors import DataError
from spineseg.evidence.run_matches import RunMatches
from spineseg.evidence.significance import check_arms, paired_permutation, seed_permutation


class Difference(NamedTuple):
    """How far a challenger lies above the baseline, and how sure that is."""

    baseline: float
    challenger: float
    low: float  # 95 % interval of the difference, patients and seeds drawn anew
    high: float
    p: float  # Two-sided: the larger of the tests over patients and over seeds

    @property
    def difference(self) -> float:
        """Challenger less baseline."""
        return self.challenger - self.baseline


def draw_patients(patients: Sequence[str], resamples: int, seed: int) -> np.ndarray:
    """Return how often each film is drawn, (resamples, films), all films of a patient together.

    The same arguments give the same array, which is not to be written to.
    """
    return _drawn(tuple(patients), resamples, seed)


@lru_cache(maxsize=4)
def _drawn(patients: tuple[str, ...], resamples: int, seed: int) -> np.ndarray:
    names, owner = np.unique(np.array(patients), return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    return np.asarray(drawn[:, owner], dtype=np.float32)


def compare_arms(
    baseline: Sequence[RunMatches],
    challenger: Sequence[RunMatches],
    patients: Sequence[str],
    metric: str,
    *,
    resamples: int = 10_000,
    permutations: int = 2_000,
    seed: int = 0,
    level: float = 0.95,
) -> Difference:
    """Return the difference of two arms in a metric, its interval and its p-value.

    `patients` names each film's patient. Deviations of seeds are widened by sqrt(n / (n - 1)) and
    the percentiles by Student's t, since few seeds look more alike than they are (Hesterberg
    2015, section 4.4). An arm of one run borrows the deviations of the other arm's seeds; with
    one run each, the interval is over patients alone. Raises DataError for runs of unlike films.
    """
    check_arms(baseline, challenger)
    weights = draw_patients(patients, resamples, seed)
    before = np.stack([run.scores(metric, weights) for run in baseline], axis=1)
    after = np.stack([run.scores(metric, weights) for run in challenger], axis=1)
    exact = [[run.score(metric) for run in arm] for arm in (baseline, challenger)]
    if not np.isfinite(exact[0] + exact[1]).all():
        raise DataError(f"{metric} is not a number for one of the runs; evaluate it anew")
    low, high = difference_interval(
        before, after, exact, patients=len(set(patients)), seed=seed + 1, level=level
    )
    p = paired_permutation(baseline, challenger, patients, metric, permutations, seed)
    if min(len(baseline), len(challenger)) > 1:
        p = max(p, seed_permutation(*exact))
    means = [float(np.mean(arm)) for arm in exact]
    return Difference(means[0], means[1], low, high, p)


def difference_interval(
    before: np.ndarray,
    after: np.ndarray,
    exact: Sequence[Sequence[float]],
    *,
    patients: int,
    seed: int = 1,
    level: float = 0.95,
) -> tuple[float, float]:
    """Return the interval of the difference of two arms from their runs' resampled scores.

    `before` and `after` are (resamples, runs), rows of one draw of patients; `exact` are the runs'
    scores on all films. Resamples without a score are left out.
    """
    whole = np.isfinite(before).all(axis=1) & np.isfinite(after).all(axis=1)
    before, after = before[whole], after[whole]
    rng = np.random.default_rng(seed)
    over_patients = after.mean(axis=1) - before.mean(axis=1)
    over_both = over_patients + _seed_noise(after, before, rng) - _seed_noise(before, after, rng)
    tail = _tail(over_patients, exact, patients, 1 - level)
    low, high = np.quantile(over_both, [tail, 1 - tail])
    return float(low), float(high)


def _seed_noise(own: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return by how much an arm's mean would differ on other seeds, (resamples,)."""
    runs = own.shape[1]
    source = own if runs > 1 else other  # One run says nothing of its own noise.
    seeds = source.shape[1]
    if seeds < 2:
        return np.zeros(len(own))
    deviation = (source - source.mean(axis=1, keepdims=True)) * sqrt(seeds / (seeds - 1))
    drawn = rng.integers(0, seeds, (len(own), runs))
    return np.asarray(np.take_along_axis(deviation, drawn, axis=1).mean(axis=1))


def _tail(
    over_patients: np.ndarray,
    exact: Sequence[Sequence[float]],
    patients: int,
    error: float,
) -> float:
    """Return the share to cut off at each end: Student's, by Welch's degrees of freedom."""
    terms = [(float(over_patients.var()), patients - 1)]
    for arm, other in (exact, exact[::-1]):
        source = arm if len(arm) > 1 else other
        if len(source) > 1:
            terms.append((float(np.var(source, ddof=1)) / len(arm), len(source) - 1))
    total = sum(variance for variance, _ in terms)
    below = sum(variance**2 / max(freedom, 1) for variance, freedom in terms)
    if not total or not below:
        return error / 2
    return float(norm.cdf(student.ppf(error / 2, total**2 / below)))
