"""P-values: arms exchanged patient by patient and run by run; corrected for their number."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from math import comb, sqrt

import numpy as np

from spineseg.errors import DataError
from spineseg.evidence.run_matches import RunMatches

LEAST_PATIENTS = 6
"""Of 5, two of the 32 ways to exchange them are as extreme: no p below 0.05."""
_MOST_RELABELLINGS = 20_000


def check_arms(*arms: Sequence[RunMatches]) -> None:
    """Raise DataError where runs cannot be compared film by film."""
    films = {run.films for arm in arms for run in arm}
    if not all(arms):
        raise DataError("an arm has no run with matches; nothing can be compared with it")
    if len(films) > 1:
        raise DataError(
            "the runs were scored on different films; compare runs of one dataset and part"
        )


def paired_permutation(
    baseline: Sequence[RunMatches],
    challenger: Sequence[RunMatches],
    patients: Sequence[str],
    metric: str,
    permutations: int = 2_000,
    seed: int = 0,
) -> float:
    """Return the two-sided p-value of exchanging the arms' results patient by patient.

    Runs are paired in their order; all seeds of a patient change sides together. Runs of the
    longer arm without a partner are left out.
    """
    check_arms(baseline, challenger)
    sides = _exchanged(tuple(patients), permutations, seed)
    gains = np.zeros(permutations)
    for one, other in zip(baseline, challenger, strict=False):
        scores = one.beside(other).scores(metric, sides)
        gains += scores[permutations:] - scores[:permutations]
    return float((np.abs(gains) >= abs(gains[0]) - 1e-9).mean())


@lru_cache(maxsize=4)
def _exchanged(patients: tuple[str, ...], permutations: int, seed: int) -> np.ndarray:
    """Return which films each side has, (2 x permutations, 2 x films): the first's, the other's.

    The same arguments give the same array, which is not to be written to.
    """
    rng = np.random.default_rng(seed + 2)
    names, owner = np.unique(np.array(patients), return_inverse=True)
    swap = rng.integers(0, 2, (permutations, len(names)))[:, owner].astype(np.float32)
    swap[0] = 0  # As it is.
    return np.vstack([np.hstack([1 - swap, swap]), np.hstack([swap, 1 - swap])])


def seed_permutation(baseline: Sequence[float], challenger: Sequence[float]) -> float:
    """Return the two-sided p-value of dealing the runs to the two arms anew, by their scores.

    Exact where there are few ways to deal them, else over a random choice
    (scipy.stats.permutation_test). By the distance of the means, so that arms of unlike size have
    one most extreme deal, and arms of one size two.
    """
    from scipy.stats import permutation_test  # Here: a driver imports this, and asks nothing of it.

    found = permutation_test(
        (np.asarray(challenger, float), np.asarray(baseline, float)),
        _apart,
        vectorized=True,
        n_resamples=_MOST_RELABELLINGS,
        alternative="greater",
        rng=0,
    )
    return float(found.pvalue)


def _apart(one: np.ndarray, other: np.ndarray, axis: int) -> np.ndarray:
    return np.asarray(np.abs(one.mean(axis=axis) - other.mean(axis=axis)))


def least_seed_p(runs: int, baseline_runs: int) -> float:
    """Return the smallest p-value that `seed_permutation` can give arms of so many runs."""
    ends = 2 if runs == baseline_runs else 1  # Arms of one size can change sides.
    return ends / comb(runs + baseline_runs, runs)


def least_confirmed_p(seeds: int, finalists: int) -> float:
    """Return the smallest p-value, corrected, of finalists trained again on so many fresh seeds.

    The baseline's first training counts beside its fresh ones: nobody picked it.
    """
    return min(1.0, least_seed_p(seeds, seeds + 1) * max(finalists, 1))


def seeds_needed(finalists: int, level: float) -> int:
    """Return the fewest fresh seeds of each finalist that can give a p-value below `level`."""
    return next(seeds for seeds in count(2) if least_confirmed_p(seeds, finalists) < level)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979): each holds beside the others."""
    order = np.argsort(p_values)
    adjusted, highest = [0.0] * len(p_values), 0.0
    for place, i in enumerate(order):
        highest = max(highest, min(1.0, p_values[i] * (len(p_values) - place)))
        adjusted[i] = highest
    return adjusted


def detectable_effect(seeds: int, *, power: float = 0.8, level: float = 0.95) -> float:
    """Return the smallest true gain, in standard deviations between seeds, that two arms of
    `seeds` runs each tell from chance with probability `power` (t-test; Cohen 1988, chapter 2).

    It leaves out the chance in which patients were filmed. Raises ValueError below two seeds.
    """
    from scipy.optimize import brentq
    from scipy.stats import nct
    from scipy.stats import t as student

    if seeds < 2:
        raise ValueError(f"noise cannot be told from {seeds} seeds; two are the least")
    freedom = 2 * seeds - 2
    bound = student.ppf(1 - (1 - level) / 2, freedom)

    def short_of(effect: float) -> float:
        shift = effect * sqrt(seeds / 2)
        reached = nct.sf(bound, freedom, shift) + nct.cdf(-bound, freedom, shift)
        return float(np.nan_to_num(reached, nan=1.0)) - power  # Far out it is no number, but sure.

    return float(brentq(short_of, 1e-3, 50))
