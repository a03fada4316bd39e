"""Scores from records of single films: average precision, F1 curves, numbering, outlines, views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from spineseg.errors import DataError
from spineseg.evaluation.by_level import level_matches, matches_by_level, present_levels
from spineseg.evaluation.counts import FilmCounts, count_film
from spineseg.evaluation.precision import (
    CONFIDENCES,
    LevelMatches,
    at_confidences,
    average_precision,
    thresholds_of,
)
from spineseg.evaluation.records import FilmRecord
from spineseg.evaluation.result import Evaluation, LevelScore, ViewScore
from spineseg.levels import ANATOMICAL_ORDER, view_of
from spineseg.metrics import COUNTED_CONFIDENCE, PRECISIONS, RATES, AveragePrecision, Kind

_KINDS: tuple[Kind, ...] = ("box", "mask")
Item = TypeVar("Item")
ByLevel = dict[Kind, dict[str, Item]]


def score(records: Sequence[FilmRecord]) -> Evaluation:
    """Return all scores of the records.

    Raises DataError without any labelled vertebra, and for confidences that are no numbers.
    """
    if not any(record.truths for record in records):
        raise DataError("no film has a labelled vertebra, so nothing can be scored; add labels")
    if not all(np.isfinite(found.confidence) for record in records for found in record.found):
        raise DataError("a detection's confidence is not a number; the weights are damaged")
    present = present_levels(records)
    matches = {k: _matches(records, present, k) for k in _KINDS}
    precision = {k: {lv: average_precision(m) for lv, m in matches[k].items()} for k in _KINDS}
    any_level = {k: average_precision(level_matches(records, None, k)) for k in _KINDS}
    curve = _curves(matches)
    box_best, mask_best = _last_best(curve["box_f1"]), _last_best(curve["mask_f1"])
    films = [count_film(record) for record in records]
    counts = FilmCounts.over(films)
    return Evaluation(
        films=len(records),
        instances=counts.labelled,
        scores=_precisions(precision) | rates_of(counts),
        any_level={m.name: _over_ious(any_level[m.kind], m) for m in PRECISIONS},
        box_best_f1=float(curve["box_f1"][box_best]),
        box_best_f1_confidence=float(CONFIDENCES[box_best]),
        mask_best_f1=float(curve["mask_f1"][mask_best]),
        mask_best_f1_confidence=float(CONFIDENCES[mask_best]),
        mask_precision=float(curve["mask_precision"][mask_best]),
        mask_recall=float(curve["mask_recall"][mask_best]),
        confidence=COUNTED_CONFIDENCE,
        **_errors(counts),
        seconds_per_film=float(np.median([record.seconds for record in records])),
        levels={
            level: _level_score(level, matches, precision, counts) for level in ANATOMICAL_ORDER
        },
        views=_views(records, films),
        f1_curve={
            "confidence": CONFIDENCES.round(4).tolist(),
            **{name: values.round(5).tolist() for name, values in curve.items()},
        },
        confusion={true: dict(row) for true, row in counts.confusion.items()},
    )


def _matches(
    records: Sequence[FilmRecord], levels: Sequence[str], kind: Kind
) -> dict[str, LevelMatches]:
    return dict(zip(levels, matches_by_level(records, levels, kind), strict=True))


def _precisions(by_level: ByLevel[np.ndarray]) -> dict[str, float]:
    """Return each average precision, the mean over the levels there are."""
    return {
        m.name: float(np.mean([_over_ious(ap, m) for ap in by_level[m.kind].values()]))
        for m in PRECISIONS
    }


def _over_ious(by_threshold: np.ndarray, metric: AveragePrecision) -> float:
    return float(by_threshold[thresholds_of(metric)].mean())


def rates_of(counts: FilmCounts) -> dict[str, float]:
    """Return each rate of the table; NaN where there is nothing that it is a share of."""
    found = {}
    for rate in RATES:
        whole = getattr(counts, rate.whole)
        found[rate.name] = getattr(counts, rate.part) / whole if whole else float("nan")
    return found


def _errors(counts: FilmCounts) -> dict[str, Any]:
    return {
        "missed": counts.missed,
        "invented": counts.invented,
        "doubled": counts.doubled,
        "mean_dice": _mean(counts.dice),
        "mean_boundary_px": _mean(counts.boundary_px),
        "outline_error": _mean(counts.boundary_share),
        "cobb_error_deg": _mean(counts.angle_errors_deg),
        "centreline_error_deg": _mean(counts.centreline_errors_deg),
        "disc_ratio_error": _mean(counts.disc_errors),
        "not_measured": counts.not_measured,
    }


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _level_score(
    level: str, matches: ByLevel[LevelMatches], precision: ByLevel[np.ndarray], counts: FilmCounts
) -> LevelScore:
    there = level in matches["mask"]
    return LevelScore(
        instances=matches["mask"][level].truths if there else 0,
        box_ap50=float(precision["box"][level][0]) if there else None,
        mask_ap50=float(precision["mask"][level][0]) if there else None,
        mask_ap50_95=float(precision["mask"][level].mean()) if there else None,
        found=counts.found_by_level[level],
        right=counts.right_by_level[level],
    )


def _last_best(values: np.ndarray) -> int:
    """Return where the highest value stands last: of equal F1, the strictest confidence."""
    return len(values) - 1 - int(np.argmax(values[::-1]))


def _curves(matches: ByLevel[LevelMatches]) -> dict[str, np.ndarray]:
    """Return F1, precision and recall at IoU 0.5 over the confidence, means over the levels."""
    curves = {}
    for kind, levels in matches.items():
        both = [at_confidences(level) for level in levels.values()]
        curves[f"{kind}_f1"] = np.mean([_f1(*each) for each in both], axis=0)
        curves[f"{kind}_precision"] = np.mean([precision for precision, _ in both], axis=0)
        curves[f"{kind}_recall"] = np.mean([recall for _, recall in both], axis=0)
    return curves


def _f1(precision: np.ndarray, recall: np.ndarray) -> np.ndarray:
    return 2 * precision * recall / np.maximum(precision + recall, 1e-12)


def _views(records: Sequence[FilmRecord], films: Sequence[FilmCounts]) -> dict[str, ViewScore]:
    """Return the scores of each view that is labelled; average precision over its own levels."""
    seen = [view_of([t.level for t in r.truths]) if r.truths else None for r in records]
    views = {}
    for view in ("frontal", "lateral"):
        chosen = [i for i, name in enumerate(seen) if name == view]
        if not chosen:
            continue
        part = [records[i] for i in chosen]
        levels = present_levels(part)
        precision = {
            k: {lv: average_precision(m) for lv, m in _matches(part, levels, k).items()}
            for k in _KINDS
        }
        counts = FilmCounts.over(films[i] for i in chosen)
        views[view] = ViewScore(
            films=len(part),
            instances=counts.labelled,
            scores=_precisions(precision) | rates_of(counts),
            **_errors(counts),
        )
    return views
