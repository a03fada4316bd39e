"""What a p-value is corrected by, and what gain a setting can show before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import sqrt

import numpy as np

LEAST_PATIENTS = 6
"""Of 5, two of the 32 ways to exchange them are as extreme: no p below 0.05."""
LEAST_SEEDS = 3
"""Of two trainings each, a gain has to be 6.8 standard deviations between seeds to be told."""
_SHARES = 400  # Of the noise that one arm may have of both: more change no fourth digit.


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979): each holds beside the others."""
    order = np.argsort(p_values)
    adjusted, highest = [0.0] * len(p_values), 0.0
    for place, i in enumerate(order):
        highest = max(highest, min(1.0, p_values[i] * (len(p_values) - place)))
        adjusted[i] = highest
    return adjusted


@lru_cache(maxsize=256)
def detectable_effect(
    seeds: int, finalists: int = 1, *, power: float = 0.8, error: float = 0.05
) -> float:
    """Return the smallest true gain, in standard deviations between seeds, that two arms of
    `seeds` runs each tell from chance with probability `power`, corrected for the finalists.

    Of the project's own rule (`crossed.Noise`) where seeds are all the noise there is: it leaves
    out the chance in which patients were filmed. Raises ValueError below two seeds.
    """
    from scipy.optimize import brentq
    from scipy.stats import beta, nct
    from scipy.stats import t as student

    if seeds < 2:
        raise ValueError(f"noise cannot be told from {seeds} seeds; two are the least")
    each = seeds - 1
    # How much of the measured noise is one arm's, which sets the degrees of freedom.
    shares = beta.ppf((np.arange(_SHARES) + 0.5) / _SHARES, each / 2, each / 2)
    welch = each / (shares**2 + (1 - shares) ** 2)
    bounds = student.ppf(1 - error / max(finalists, 1) / 2, (2 * each + welch) / 2)

    def short_of(effect: float) -> float:
        reached = nct.sf(bounds, 2 * each, effect * sqrt(seeds / 2))
        return (
            float(np.nan_to_num(reached, nan=1.0).mean()) - power
        )  # Far out: no number, but sure.

    return float(brentq(short_of, 1e-3, 100))
