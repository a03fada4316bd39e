"""Is one arm better than another? Paired bootstrap over patients and seeds, permutation tests.

An arm is one configuration trained on one or more seeds; its score is the mean over its seeds.
Two arms are compared on the same films. What differs by chance is which patients were filmed and
which seeds were drawn, so both are drawn anew: patients, never vertebrae, since those of one
patient go together (Field and Welsh 2007; hierarchical bootstrap of Saravanan et al. 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from math import comb, sqrt
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import nct, norm
from scipy.stats import t as student

from ..errors import DataError
from .matching import ImageRecord
from .metrics import NUMBERING_CONFIDENCE, count_film
from .precision import Kind, LevelMatches, level_matches, present_levels, resampled_map

MAP_METRICS = ("mask_map50_95", "mask_map50", "box_map50_95", "box_map50")
RATES = ("found_rate", "right_level_rate", "off_by_one_rate", "whole_column_right_rate")
_MOST_RELABELLINGS = 20_000


@dataclass(frozen=True)
class RunMatches:
    """One run's matches on a set of films, ready to be scored over any choice of them."""

    films: tuple[str, ...]
    maps: dict[Kind, tuple[LevelMatches, ...]]
    counts: np.ndarray  # (films, 6): labelled, found, right, off by one, labelled film, all right
    _tables: dict[Kind, tuple[np.ndarray, np.ndarray]] = field(
        default_factory=dict, repr=False, compare=False
    )  # The last draw of films, and the mAP of each threshold over it: several metrics share it.

    @classmethod
    def of(cls, records: Sequence[ImageRecord]) -> RunMatches:
        """Return the matches of records. Raises DataError where there is nothing to compare."""
        if not any(record.truths for record in records):
            raise DataError("the records have no labelled vertebra, so no score can be compared")
        if not all(np.isfinite(f.confidence) for record in records for f in record.found):
            raise DataError("the records have a confidence that is no number; evaluate anew")
        levels = present_levels(records)
        films = [count_film(record, NUMBERING_CONFIDENCE) for record in records]
        rows = [
            (
                film.labelled,
                film.found.total(),
                film.right.total(),
                film.off_by_one,
                film.labelled > 0,
                film.whole_column_right,
            )
            for film in films
        ]
        kinds: tuple[Kind, ...] = ("mask", "box")
        return cls(
            films=tuple(record.name for record in records),
            maps={k: tuple(level_matches(records, lv, k) for lv in levels) for k in kinds},
            counts=np.array(rows, float),
        )

    def scores(self, metric: str, weights: np.ndarray) -> np.ndarray:
        """Return a metric over drawn films, (resamples,); `weights` are (resamples, films).

        NaN where a resample has no labelled vertebra.
        """
        if metric in MAP_METRICS:
            kind: Kind = "mask" if metric.startswith("mask") else "box"
            drawn, by_threshold = self._tables.get(kind, (None, np.zeros((0, 0))))
            if drawn is not weights:
                by_threshold = resampled_map(self.maps[kind], weights)
                self._tables[kind] = (weights, by_threshold)
            return by_threshold[:, 0] if metric.endswith("map50") else by_threshold.mean(axis=1)
        part, whole = {
            "found_rate": (1, 0),
            "right_level_rate": (2, 0),
            "off_by_one_rate": (3, 0),
            "whole_column_right_rate": (5, 4),
        }[metric]
        total = weights @ self.counts[:, whole]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(weights @ self.counts[:, part] / total)

    def score(self, metric: str) -> float:
        """Return a metric over all films, each once."""
        once = RunMatches(self.films, self.maps, self.counts)  # Keeps the table of the last draw.
        return float(once.scores(metric, np.ones((1, len(self.films))))[0])


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


def check_arms(*arms: Sequence[RunMatches]) -> None:
    """Raise DataError where runs cannot be compared film by film."""
    films = {run.films for arm in arms for run in arm}
    if not all(arms):
        raise DataError("an arm has no run with matches; nothing can be compared with it")
    if len(films) > 1:
        raise DataError(
            "the runs were scored on different films; compare runs of one dataset and part"
        )


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
    rng = np.random.default_rng(seed + 2)
    names, owner = np.unique(np.array(patients), return_inverse=True)
    swap = rng.integers(0, 2, (permutations, len(names)))[:, owner].astype(np.float32)
    swap[0] = 0  # As it is.
    stay, leave = np.hstack([1 - swap, swap]), np.hstack([swap, 1 - swap])
    gains = np.zeros(permutations)
    for one, other in zip(baseline, challenger, strict=False):
        both = _side_by_side(one, other)
        gains += both.scores(metric, leave) - both.scores(metric, stay)
    return float((np.abs(gains) >= abs(gains[0]) - 1e-9).mean())


def _side_by_side(one: RunMatches, other: RunMatches) -> RunMatches:
    """Return both runs' films in one row: each film twice, to be drawn from one of the two."""
    films = len(one.films)
    maps: dict[Kind, tuple[LevelMatches, ...]] = {}
    for kind, levels in one.maps.items():
        joined = []
        for a, b in zip(levels, other.maps[kind], strict=True):
            confidences = np.concatenate([a.confidences, b.confidences])
            order = np.argsort(-confidences, kind="mergesort")
            joined.append(
                LevelMatches(
                    confidences[order],
                    np.concatenate([a.images, b.images + films])[order],
                    np.concatenate([a.hits, b.hits], axis=1)[:, order],
                    np.concatenate([a.labelled, b.labelled]),
                )
            )
        maps[kind] = tuple(joined)
    return RunMatches(one.films + other.films, maps, np.concatenate([one.counts, other.counts]))


def seed_permutation(baseline: Sequence[float], challenger: Sequence[float]) -> float:
    """Return the two-sided p-value of dealing the runs to the two arms anew, by their scores.

    Exact where there are few ways to deal them, else over a random choice.
    """
    scores = np.array([*baseline, *challenger])
    size = len(challenger)
    observed = abs(float(np.mean(challenger) - np.mean(baseline)))
    if comb(len(scores), size) <= _MOST_RELABELLINGS:
        dealt = np.array(list(combinations(range(len(scores)), size)))
    else:
        rng = np.random.default_rng(0)
        dealt = np.argsort(rng.random((_MOST_RELABELLINGS, len(scores))), axis=1)[:, :size]
        dealt[0] = np.arange(len(baseline), len(scores))
    inside = scores[dealt].sum(axis=1)
    gains = inside / size - (scores.sum() - inside) / len(baseline)
    return float((np.abs(gains) >= observed - 1e-12).mean())


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
    if seeds < 2:
        raise ValueError(f"noise cannot be told from {seeds} seeds; two are the least")
    freedom = 2 * seeds - 2
    bound = student.ppf(1 - (1 - level) / 2, freedom)

    def short_of(effect: float) -> float:
        shift = effect * sqrt(seeds / 2)
        reached = nct.sf(bound, freedom, shift) + nct.cdf(-bound, freedom, shift)
        return float(np.nan_to_num(reached, nan=1.0)) - power  # Far out it is no number, but sure.

    return float(brentq(short_of, 1e-3, 50))
