"""One run's matches on a set of films, ready to be scored over any choice of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from spineseg.errors import DataError
from spineseg.evaluation.by_level import matches_by_level, present_levels
from spineseg.evaluation.counts import count_film
from spineseg.evaluation.precision import (
    LevelMatches,
    resampled_map,
    thresholds_of,
)
from spineseg.evaluation.records import FilmRecord
from spineseg.metrics import METRICS, RATES, Kind, Rate, metric_named

_KINDS: tuple[Kind, ...] = ("mask", "box")
_COUNTED = tuple(dict.fromkeys(name for rate in RATES for name in (rate.part, rate.whole)))


@dataclass(frozen=True)
class RunMatches:
    """One run's matches on a set of films, ready to be scored over any choice of them."""

    films: tuple[str, ...]
    maps: dict[Kind, tuple[LevelMatches, ...]]
    counts: dict[str, np.ndarray]  # number of FilmCounts -> (films,) float
    _tables: dict[Kind, tuple[np.ndarray, np.ndarray]] = field(
        default_factory=dict, repr=False, compare=False
    )  # The last draw of films, and the mAP of each threshold over it: several metrics share it.
    _exact: dict[str, float] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, records: Sequence[FilmRecord]) -> RunMatches:
        """Return the matches of records. Raises DataError where there is nothing to compare."""
        if not any(record.truths for record in records):
            raise DataError("the records have no labelled vertebra, so no score can be compared")
        if not all(math.isfinite(f.confidence) for record in records for f in record.found):
            raise DataError("the records have a confidence that is no number; evaluate anew")
        levels = present_levels(records)
        films = [count_film(record) for record in records]
        return cls(
            films=tuple(record.name for record in records),
            maps={k: matches_by_level(records, levels, k) for k in _KINDS},
            counts={n: np.array([getattr(f, n) for f in films], np.float64) for n in _COUNTED},
        )

    def scores(self, metric: str, weights: np.ndarray) -> np.ndarray:
        """Return a metric over drawn films, (resamples,); `weights` are (resamples, films).

        NaN where a resample has no labelled vertebra.
        """
        wanted = metric_named(metric)
        if isinstance(wanted, Rate):
            whole = _over(weights, self.counts[wanted.whole])
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.asarray(_over(weights, self.counts[wanted.part]) / whole)
        drawn, by_threshold = self._tables.get(wanted.kind, (None, np.zeros((0, 0))))
        if drawn is not weights:
            by_threshold = resampled_map(self.maps[wanted.kind], weights)
            self._tables[wanted.kind] = (weights, by_threshold)
        return np.asarray(by_threshold[:, thresholds_of(wanted)].mean(axis=1))

    def score(self, metric: str) -> float:
        """Return a metric over all films, each once."""
        if not self._exact:
            once = RunMatches(self.films, self.maps, self.counts)  # Keeps the last draw's table.
            each = np.ones((1, len(self.films)))
            self._exact.update({m.name: float(once.scores(m.name, each)[0]) for m in METRICS})
        return self._exact[metric]


def _over(weights: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return a number over drawn films, (resamples,); whole numbers, so exact in any order."""
    return np.einsum("rf,f->r", weights, counts)  # `@` makes a copy, and starts threads.
