"""Scores from per-image records: average precision, F1 curves, numbering, outlines, views."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spineseg.errors import DataError
from spineseg.evaluation.counts import NUMBERING_CONFIDENCE, FilmCounts, count_film
from spineseg.evaluation.precision import (
    CONFIDENCES,
    LevelMatches,
    at_confidences,
    average_precision,
    level_matches,
    present_levels,
)
from spineseg.evaluation.records import ImageRecord
from spineseg.evaluation.result import Evaluation, LevelScore, ViewScore
from spineseg.levels import ANATOMICAL_ORDER, view_of


def score(records: Sequence[ImageRecord], confidence: float = NUMBERING_CONFIDENCE) -> Evaluation:
    """Return all scores of the records.

    Raises DataError without any labelled vertebra, and for confidences that are no numbers.
    """
    if not any(record.truths for record in records):
        raise DataError("no image has a labelled vertebra, so nothing can be scored; add labels")
    if not all(np.isfinite(found.confidence) for record in records for found in record.found):
        raise DataError("a detection's confidence is not a number; the weights are damaged")
    present = present_levels(records)
    box = {level: level_matches(records, level, "box") for level in present}
    mask = {level: level_matches(records, level, "mask") for level in present}
    box_ap = {level: average_precision(box[level]) for level in present}
    mask_ap = {level: average_precision(mask[level]) for level in present}
    box_any = average_precision(level_matches(records, None, "box"))
    mask_any = average_precision(level_matches(records, None, "mask"))
    curve = _curves(list(box.values()), list(mask.values()))
    box_best, mask_best = _last_best(curve["box_f1"]), _last_best(curve["mask_f1"])
    films = [count_film(record, confidence) for record in records]
    counts = _total(films)
    return Evaluation(
        images=len(records),
        instances=counts.labelled,
        box_map50=_mean(ap[0] for ap in box_ap.values()),
        box_map50_95=_mean(ap.mean() for ap in box_ap.values()),
        mask_map50=_mean(ap[0] for ap in mask_ap.values()),
        mask_map50_95=_mean(ap.mean() for ap in mask_ap.values()),
        box_map50_any=float(box_any[0]),
        box_map50_95_any=float(box_any.mean()),
        mask_map50_any=float(mask_any[0]),
        mask_map50_95_any=float(mask_any.mean()),
        box_best_f1=float(curve["box_f1"][box_best]),
        box_best_f1_confidence=float(CONFIDENCES[box_best]),
        mask_best_f1=float(curve["mask_f1"][mask_best]),
        mask_best_f1_confidence=float(CONFIDENCES[mask_best]),
        mask_precision=float(curve["mask_precision"][mask_best]),
        mask_recall=float(curve["mask_recall"][mask_best]),
        confidence=confidence,
        **_rates(films),
        seconds_per_image=float(np.median([record.seconds for record in records])),
        levels={
            level: LevelScore(
                instances=mask[level].truths if level in mask else 0,
                box_ap50=float(box_ap[level][0]) if level in box_ap else None,
                mask_ap50=float(mask_ap[level][0]) if level in mask_ap else None,
                mask_ap50_95=float(mask_ap[level].mean()) if level in mask_ap else None,
                found=counts.found[level],
                right=counts.right[level],
            )
            for level in ANATOMICAL_ORDER
        },
        views=_views(records, films),
        f1_curve={
            "confidence": CONFIDENCES.round(4).tolist(),
            **{name: values.round(5).tolist() for name, values in curve.items()},
        },
        confusion={true: dict(row) for true, row in counts.confusion.items()},
    )


def _last_best(values: np.ndarray) -> int:
    """Return where the highest value stands last: of equal F1, the strictest confidence."""
    return len(values) - 1 - int(np.argmax(values[::-1]))


def _mean(values: object) -> float:
    return float(np.mean(list(values)))  # type: ignore[call-overload]


def _curves(box: list[LevelMatches], mask: list[LevelMatches]) -> dict[str, np.ndarray]:
    """Return F1, precision and recall at IoU 0.5 over the confidence, means over the levels."""
    curves = {}
    for name, levels in (("box", box), ("mask", mask)):
        both = [at_confidences(level) for level in levels]
        curves[f"{name}_f1"] = np.mean([_f1(*each) for each in both], axis=0)
        curves[f"{name}_precision"] = np.mean([precision for precision, _ in both], axis=0)
        curves[f"{name}_recall"] = np.mean([recall for _, recall in both], axis=0)
    return curves


def _f1(precision: np.ndarray, recall: np.ndarray) -> np.ndarray:
    return 2 * precision * recall / np.maximum(precision + recall, 1e-12)


def _total(films: Sequence[FilmCounts]) -> FilmCounts:
    total = FilmCounts()
    for film in films:
        total.add(film)
    return total


def _rates(films: Sequence[FilmCounts]) -> dict[str, float | int | None]:
    counts = _total(films)
    labelled_films = sum(film.labelled > 0 for film in films)
    return {
        "found_rate": counts.found.total() / counts.labelled,
        "right_level_rate": counts.right.total() / counts.labelled,
        "off_by_one_rate": counts.off_by_one / counts.labelled,
        "whole_column_right_rate": sum(f.whole_column_right for f in films) / labelled_films,
        "missed": counts.missed,
        "invented": counts.invented,
        "doubled": counts.doubled,
        "mean_dice": float(np.mean(counts.dice)) if counts.dice else None,
        "mean_boundary_px": float(np.mean(counts.boundary_px)) if counts.boundary_px else None,
    }


def _views(records: Sequence[ImageRecord], films: Sequence[FilmCounts]) -> dict[str, ViewScore]:
    """Return the scores of each view that is labelled; average precision over its own levels."""
    seen = [view_of([t.level for t in r.truths]) if r.truths else None for r in records]
    views = {}
    for view in ("frontal", "lateral"):
        chosen = [i for i, name in enumerate(seen) if name == view]
        if not chosen:
            continue
        part = [records[i] for i in chosen]
        levels = present_levels(part)
        ap = {
            kind: np.array(
                [average_precision(level_matches(part, level, kind)) for level in levels]
            )
            for kind in ("box", "mask")
        }
        views[view] = ViewScore(
            images=len(part),
            instances=sum(films[i].labelled for i in chosen),
            box_map50=float(ap["box"][:, 0].mean()),
            box_map50_95=float(ap["box"].mean()),
            mask_map50=float(ap["mask"][:, 0].mean()),
            mask_map50_95=float(ap["mask"].mean()),
            **_rates([films[i] for i in chosen]),
        )
    return views
