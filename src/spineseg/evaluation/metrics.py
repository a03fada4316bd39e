"""Scores from per-image records: average precision by COCO's rules, F1 curves, numbering."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from ..levels import ANATOMICAL_ORDER, levels_apart
from .matching import ImageRecord, greedy_matches
from .predictor import MAX_DETECTIONS
from .result import Evaluation, LevelScore

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0, 1, 101)
_CONFIDENCES = np.linspace(0, 1, 201)
NUMBERING_CONFIDENCE = 0.25


@dataclass(frozen=True)
class _LevelMatches:
    """One level's detections over all images, most confident first."""

    confidences: np.ndarray  # (detections,)
    hits: np.ndarray  # (thresholds, detections) bool
    truths: int


def score(records: list[ImageRecord], confidence: float = NUMBERING_CONFIDENCE) -> Evaluation:
    """Return all scores of the records.

    Raises DataError without any labelled vertebra, and for confidences that are no numbers.
    """
    if not any(record.truths for record in records):
        raise DataError("no image has a labelled vertebra, so nothing can be scored; add labels")
    if not all(np.isfinite(found.confidence) for record in records for found in record.found):
        raise DataError("a detection's confidence is not a number; the weights are damaged")
    box = {level: _level_matches(records, level, "box_iou") for level in ANATOMICAL_ORDER}
    mask = {level: _level_matches(records, level, "mask_iou") for level in ANATOMICAL_ORDER}
    present = [level for level in ANATOMICAL_ORDER if mask[level].truths]
    box_ap = {level: average_precision(box[level]) for level in present}
    mask_ap = {level: average_precision(mask[level]) for level in present}
    curve = _curves([box[level] for level in present], [mask[level] for level in present])
    box_best, mask_best = _last_best(curve["box_f1"]), _last_best(curve["mask_f1"])
    numbering = _numbering(records, confidence)
    return Evaluation(
        images=len(records),
        instances=sum(len(record.truths) for record in records),
        box_map50=_mean(ap[0] for ap in box_ap.values()),
        box_map50_95=_mean(ap.mean() for ap in box_ap.values()),
        mask_map50=_mean(ap[0] for ap in mask_ap.values()),
        mask_map50_95=_mean(ap.mean() for ap in mask_ap.values()),
        box_best_f1=float(curve["box_f1"][box_best]),
        box_best_f1_confidence=float(_CONFIDENCES[box_best]),
        mask_best_f1=float(curve["mask_f1"][mask_best]),
        mask_best_f1_confidence=float(_CONFIDENCES[mask_best]),
        mask_precision=float(curve["mask_precision"][mask_best]),
        mask_recall=float(curve["mask_recall"][mask_best]),
        confidence=confidence,
        **numbering.rates(),
        seconds_per_image=float(np.median([record.seconds for record in records])),
        levels={
            level: LevelScore(
                instances=mask[level].truths,
                box_ap50=float(box_ap[level][0]) if level in box_ap else None,
                mask_ap50=float(mask_ap[level][0]) if level in mask_ap else None,
                mask_ap50_95=float(mask_ap[level].mean()) if level in mask_ap else None,
                found=numbering.found[level],
                right=numbering.right[level],
            )
            for level in ANATOMICAL_ORDER
        },
        f1_curve={
            "confidence": _CONFIDENCES.round(4).tolist(),
            **{name: values.round(5).tolist() for name, values in curve.items()},
        },
        confusion={true: dict(row) for true, row in numbering.confusion.items()},
    )


def _last_best(values: np.ndarray) -> int:
    """Return where the highest value stands last: of equal F1, the strictest confidence."""
    return len(values) - 1 - int(np.argmax(values[::-1]))


def _mean(values: object) -> float:
    return float(np.mean(list(values)))  # type: ignore[call-overload]


def _level_matches(records: list[ImageRecord], level: str, kind: str) -> _LevelMatches:
    confidences, hits, truths = [], [], 0
    for record in records:
        labels = [i for i, truth in enumerate(record.truths) if truth.level == level]
        rows = [i for i, found in enumerate(record.found) if found.level == level]
        rows = rows[:MAX_DETECTIONS]
        truths += len(labels)
        if not rows:
            continue
        overlap = _overlap(record, kind)[np.ix_(rows, labels)]
        confidences += [record.found[i].confidence for i in rows]
        hits.append(np.stack([greedy_matches(overlap, t) >= 0 for t in IOU_THRESHOLDS]))
    if not confidences:
        return _LevelMatches(np.zeros(0), np.zeros((len(IOU_THRESHOLDS), 0), bool), truths)
    certain = np.array(confidences)
    order = np.argsort(-certain, kind="mergesort")
    return _LevelMatches(certain[order], np.concatenate(hits, axis=1)[:, order], truths)


def _overlap(record: ImageRecord, kind: str) -> np.ndarray:
    """Return an image's overlaps, (detections, labels)."""
    return np.array(getattr(record, kind), float).reshape(len(record.found), len(record.truths))


def average_precision(matches: _LevelMatches) -> np.ndarray:
    """Return the average precision at each IoU threshold, (10,), as pycocotools' COCOeval.

    Precision is made monotonous from the right and read at 101 recalls.
    """
    result = np.zeros(len(IOU_THRESHOLDS))
    for i, hit in enumerate(matches.hits):
        true = np.cumsum(hit, dtype=float)
        false = np.cumsum(~hit, dtype=float)
        recall = true / matches.truths
        precision = true / (true + false + np.spacing(1))
        precision = np.maximum.accumulate(precision[::-1])[::-1]
        at = np.searchsorted(recall, _RECALLS, side="left")
        result[i] = (
            np.where(at < len(precision), precision[np.minimum(at, len(precision) - 1)], 0.0).mean()
            if len(precision)
            else 0.0
        )
    return result


def _curves(box: list[_LevelMatches], mask: list[_LevelMatches]) -> dict[str, np.ndarray]:
    """Return F1, precision and recall at IoU 0.5 over the confidence, means over the levels."""
    curves = {}
    for name, levels in (("box", box), ("mask", mask)):
        precision, recall = (
            np.mean(v, axis=0) for v in zip(*map(_at_confidences, levels), strict=True)
        )
        f1 = np.mean([_f1(*_at_confidences(level)) for level in levels], axis=0)
        curves[f"{name}_f1"] = f1
        if name == "mask":
            curves["mask_precision"], curves["mask_recall"] = precision, recall
    return curves


def _at_confidences(matches: _LevelMatches) -> tuple[np.ndarray, np.ndarray]:
    kept = np.searchsorted(-matches.confidences, -_CONFIDENCES, side="right")
    true = np.concatenate([[0], np.cumsum(matches.hits[0])])[kept]
    precision = np.where(kept > 0, true / np.maximum(kept, 1), 1.0)
    return precision, true / matches.truths


def _f1(precision: np.ndarray, recall: np.ndarray) -> np.ndarray:
    return 2 * precision * recall / np.maximum(precision + recall, 1e-12)


class _Numbering:
    """Counts of found, right and wrong levels."""

    def __init__(self) -> None:
        self.truths = self.off_by_one = self.missed = self.invented = self.doubled = 0
        self.found: Counter[str] = Counter()
        self.right: Counter[str] = Counter()
        self.confusion: dict[str, Counter[str]] = defaultdict(Counter)

    def rates(self) -> dict[str, float | int]:
        return {
            "found_rate": self.found.total() / self.truths,
            "right_level_rate": self.right.total() / self.truths,
            "off_by_one_rate": self.off_by_one / self.truths,
            "missed": self.missed,
            "invented": self.invented,
            "doubled": self.doubled,
        }


def _numbering(records: list[ImageRecord], confidence: float) -> _Numbering:
    """Count levels after class-agnostic matching at mask IoU 0.5."""
    counts = _Numbering()
    for record in records:
        rows = [i for i, found in enumerate(record.found) if found.confidence >= confidence]
        matched = greedy_matches(_overlap(record, "mask_iou")[rows], 0.5)
        levels = [record.found[i].level for i in rows]
        counts.truths += len(record.truths)
        counts.doubled += sum(n - 1 for n in Counter(levels).values())
        for level, label in zip(levels, matched, strict=True):
            true = record.truths[label].level if label >= 0 else "background"
            counts.confusion[true][level] += 1
            if label < 0:
                counts.invented += 1
                continue
            counts.found[true] += 1
            counts.right[true] += level == true
            counts.off_by_one += abs(levels_apart(true, level)) == 1
        for i in set(range(len(record.truths))) - set(matched.tolist()):
            counts.missed += 1
            counts.confusion[record.truths[i].level]["missed"] += 1
    return counts
