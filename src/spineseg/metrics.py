"""Every metric, a line each: what it is called, what it measures, and which way is better.

Config, evaluation, evidence, tables and wording read this table; a new line is a new metric in all
of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["box", "mask"]
MOST_DETECTIONS = 100
"""Detections of a film that are scored, as COCO does: the most certain ones."""
COUNTED_CONFIDENCE = 0.25
"""Less certain detections count for no rate: the confidence at which the original counted."""
MET_IOU = 0.5
"""A detection has found a vertebra where their masks overlap by so much."""


@dataclass(frozen=True)
class AveragePrecision:
    """Average precision by COCO's rules, mean over the levels that occur and a range of IoUs."""

    name: str
    label: str
    kind: Kind
    ious: tuple[float, float]  # lowest and highest IoU threshold, in steps of 0.05
    column: str = ""  # its head in the table of runs; empty: not there
    each_epoch: bool = False  # the trainer measures it, so that a search can be steered by it
    higher_is_better: bool = True


@dataclass(frozen=True)
class Rate:
    """A share: two of FilmCounts' numbers, each summed over the films."""

    name: str
    label: str
    part: str
    whole: str
    column: str = ""
    higher_is_better: bool = True


Metric = AveragePrecision | Rate

METRICS: tuple[Metric, ...] = (
    AveragePrecision("mask_map50_95", "mask mAP50-95", "mask", (0.5, 0.95), "mask 50-95", True),
    AveragePrecision("mask_map50", "mask mAP50", "mask", (0.5, 0.5), "mask mAP50", True),
    AveragePrecision("box_map50_95", "box mAP50-95", "box", (0.5, 0.95), "box 50-95", True),
    AveragePrecision("box_map50", "box mAP50", "box", (0.5, 0.5), "box mAP50", True),
    Rate("found_rate", "found", "found", "labelled"),
    Rate("right_level_rate", "right level", "right", "labelled", "level %"),
    Rate("off_by_one_rate", "one level off", "off_by_one", "labelled", higher_is_better=False),
    Rate("whole_column_right_rate", "whole columns right", "whole_columns_right", "labelled_films"),
)
PRECISIONS = tuple(metric for metric in METRICS if isinstance(metric, AveragePrecision))
RATES = tuple(metric for metric in METRICS if isinstance(metric, Rate))
OBJECTIVES = tuple(metric.name for metric in PRECISIONS if metric.each_epoch)
"""What a study may maximise."""
_BY_NAME = {metric.name: metric for metric in METRICS}


def metric_named(name: str) -> Metric:
    """Return a metric of the table. Raises KeyError for a name that is not there."""
    return _BY_NAME[name]


def signed(value: float) -> str:
    """Return a difference of scores to three digits; nought has no side."""
    return f"{value:+.3f}" if round(value, 3) else "±0.000"
