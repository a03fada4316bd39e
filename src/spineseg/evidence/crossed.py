"""How far two arms lie apart by chance: patients crossed with trainings; interval and p.

A run's metric is taken apart by patient as jackknife pseudo-values, so that an arm is a table of
patients by runs, as readers by cases are compared (Dorfman, Berbaum and Metz 1992). Three noises
are told apart: patients take to the two arms unlike; seeds differ; a seed suits some patients. The
last is in the spread over patients and in that over seeds, and is to be counted once (Owen 2007).

The interval's half-width, squared, is the mean of two: Satterthwaite's, of the summed variance,
which misses up to 8 % where few seeds matter as much as patients; and Banerjee's (1961), of the
summed squares of half-widths, which misses 1 to 3 % there. Both are exact where one noise is alone.
Its coverage by simulation: docs/calibration.md.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

_LEAST_P = 1e-12
_HALVINGS = 40  # Of the p-value's logarithm: ten digits.


class Noise(NamedTuple):
    """Variance of the difference of two arms' means, by source; each (...,), with its freedom."""

    patients: np.ndarray  # Over patients: how unlike they take to the arms, and the interaction.
    seeds: np.ndarray  # Over runs of the arms: seeds, and the interaction.
    interaction: np.ndarray  # Of patients with seeds: in both of the above.
    patient_freedom: float
    seed_freedom: np.ndarray
    interaction_freedom: float

    def half_width(self, error: float | np.ndarray) -> np.ndarray:
        """Return half of the interval that misses the truth with chance `error`, (...,).

        Infinite where nothing tells of any noise.
        """
        tail = 1 - np.asarray(error) / 2
        patient_t = stdtrit(self.patient_freedom, tail)
        seed_t = stdtrit(self.seed_freedom, tail)
        twice = self.interaction * stdtrit(self.interaction_freedom, tail)
        # Less than the whole of the interaction, t being larger for patients: of five or six, the
        # difference of two variances is too often next to nothing.
        by_patients = np.maximum(patient_t * (self.patients * patient_t - twice), 0)
        banerjee = self.seeds * seed_t**2 + by_patients
        rest = np.maximum(self.patients - self.interaction, 0)
        total = self.seeds + rest
        least = np.where(total > 0, total, 1)
        parts = self.seeds**2 / self.seed_freedom + rest**2 / self.patient_freedom
        freedom = least**2 / np.where(parts > 0, parts, 1)
        satterthwaite = total * stdtrit(np.maximum(freedom, 1), tail) ** 2
        squared = (banerjee + satterthwaite) / 2
        return np.where(squared > 0, np.sqrt(squared), np.inf)

    def p_value(self, difference: float | np.ndarray) -> np.ndarray:
        """Return the two-sided p-value, (...,): the error at which the interval touches zero."""
        apart = np.abs(difference)
        low = np.full(np.shape(apart), np.log(_LEAST_P))
        high = np.zeros(np.shape(apart))
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            holds = self.half_width(np.exp(middle)) >= apart
            low, high = np.where(holds, middle, low), np.where(holds, high, middle)
        return np.exp(high)


def noise_of(before: np.ndarray, after: np.ndarray) -> Noise:
    """Return the noise in the difference of two arms.

    `before` and `after` are (..., patients, runs): pseudo-values of two patients or more. An arm of
    one run borrows the other's noise of seeds; of one run each, none of seeds is known.
    """
    patients = before.shape[-2]
    runs = (before.shape[-1], after.shape[-1])
    gains = after.mean(axis=-1) - before.mean(axis=-1)
    over_patients = gains.var(axis=-1, ddof=1) / patients
    if max(runs) == 1:
        none = np.zeros_like(over_patients)
        return Noise(over_patients, none, none, patients - 1, none + 1, 1)
    sources = [before, after] if min(runs) > 1 else [before if runs[0] > 1 else after] * 2
    seeds, interactions = zip(*map(_spread, sources, runs), strict=True)
    freedoms = [source.shape[-1] - 1 for source in sources]
    total = seeds[0] + seeds[1]
    pooled = sum(freedoms) if min(runs) > 1 else freedoms[0]
    freedom = np.full_like(total, pooled)
    if min(runs) > 1:
        squares = seeds[0] ** 2 / freedoms[0] + seeds[1] ** 2 / freedoms[1]
        welch = np.where(squares > 0, total, 1) ** 2 / np.where(squares > 0, squares, 1)
        # Pooled is too sure where one arm's seeds differ more, Welch's too unsure of two or three.
        freedom = np.where(squares > 0, (pooled + welch) / 2, pooled)
    return Noise(
        patients=over_patients,
        seeds=total,
        interaction=interactions[0] + interactions[1],
        patient_freedom=patients - 1,
        seed_freedom=freedom,
        interaction_freedom=(patients - 1) * pooled,
    )


def _spread(table: np.ndarray, runs: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what seeds, and patients with seeds, add to the variance of a mean of `runs` runs."""
    patients, own = table.shape[-2:]
    by_run = table.mean(axis=-2, keepdims=True)
    rest = table - by_run - table.mean(axis=-1, keepdims=True) + by_run.mean(axis=-1, keepdims=True)
    interaction = (rest**2).sum(axis=(-2, -1)) / ((patients - 1) * (own - 1))
    return by_run[..., 0, :].var(axis=-1, ddof=1) / runs, interaction / (patients * runs)
