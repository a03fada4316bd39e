"""One run's matches on a set of films, ready to be scored over any choice of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from spineseg.errors import DataError
from spineseg.evaluation.counts import NUMBERING_CONFIDENCE, count_film
from spineseg.evaluation.precision import (
    Kind,
    LevelMatches,
    level_matches,
    present_levels,
    resampled_map,
)
from spineseg.evaluation.records import ImageRecord

MAP_METRICS = ("mask_map50_95", "mask_map50", "box_map50_95", "box_map50")
RATES = ("found_rate", "right_level_rate", "off_by_one_rate", "whole_column_right_rate")


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
