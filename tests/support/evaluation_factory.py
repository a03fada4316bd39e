"""Made-up evaluations and learning curves; their figures mean nothing."""

from __future__ import annotations

import numpy as np

from spineseg.evaluation.result import Evaluation, LevelScore, ViewScore
from spineseg.levels import ANATOMICAL_ORDER
from spineseg.metrics import METRICS, PRECISIONS

_PER_LEVEL = 40


def evaluation(score: float) -> Evaluation:
    """Return an evaluation whose mask mAP50-95 is `score`; its errors are one level up or down."""
    grid = np.linspace(0, 1, 201)
    rise = 1 / (1 + np.exp(-(grid - 0.25) * 12))
    recall = (0.55 + score / 2) * (1 - grid**3) * (1 - 0.4 * grid)
    precision = 0.35 + 0.65 * rise
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    best = int(f1.argmax())
    levels, confusion = _levels(score)
    labelled = sum(level.instances for level in levels.values())
    right = sum(level.right for level in levels.values())
    found = sum(level.found for level in levels.values())
    confusion["background"] = {"C3": 4, "T5": 9, "T12": 3, "L5": 6}
    return Evaluation(
        films=81,
        instances=labelled,
        scores=scores(
            score,
            found=found / labelled,
            right=right / labelled,
            near=(found - right) / labelled,
        ),
        any_level={m.name: score + 0.15 + 0.13 * (m.ious[1] == 0.5) for m in PRECISIONS},
        box_best_f1=float(f1[best]),
        box_best_f1_confidence=float(grid[best]),
        mask_best_f1=float(f1[best]),
        mask_best_f1_confidence=float(grid[best]),
        mask_precision=float(precision[best]),
        mask_recall=float(recall[best]),
        confidence=0.25,
        mean_dice=0.8 + score / 10,
        mean_boundary_px=2.5 - score,
        missed=labelled - found,
        invented=22,
        doubled=13,
        seconds_per_film=0.0123,
        levels=levels,
        views={"frontal": _view(score, 41, 697, 0.02), "lateral": _view(score, 40, 263, 0.12)},
        f1_curve={
            "confidence": grid.tolist(),
            "box_f1": f1.tolist(),
            "mask_f1": f1.tolist(),
            "mask_precision": precision.tolist(),
            "mask_recall": recall.tolist(),
        },
        confusion=confusion,
    )


def scores(score: float, *, found: float, right: float, near: float) -> dict[str, float]:
    """Return every metric of the table: mask mAP50-95 is `score`, the looser ones lie above."""
    known = {
        "box_map50": score + 0.22,
        "box_map50_95": score + 0.05,
        "mask_map50": score + 0.2,
        "mask_map50_95": score,
        "found_rate": found,
        "right_level_rate": right,
        "off_by_one_rate": near,
    }
    return {metric.name: known.get(metric.name, score / 2) for metric in METRICS}


def _view(score: float, films: int, instances: int, lost: float) -> ViewScore:
    right = 0.6 + score / 2 - lost
    return ViewScore(
        films=films,
        instances=instances,
        scores=scores(score - lost, found=0.95, right=right, near=0.95 - right),
        missed=round(0.05 * instances),
        invented=11,
        doubled=6,
        mean_dice=0.8 + score / 10,
        mean_boundary_px=2.5 - score,
    )


def _levels(score: float) -> tuple[dict[str, LevelScore], dict[str, dict[str, int]]]:
    levels, confusion = {}, {}
    for rank, level in enumerate(ANATOMICAL_ORDER):
        hard = 0.25 + 0.75 * np.sin(np.pi * rank / 23) ** 2
        missed = round(3 * hard)
        wrong = min(_PER_LEVEL - missed, round(_PER_LEVEL * hard * max(0.0, 0.62 - score)))
        right = _PER_LEVEL - missed - wrong
        row = {level: right, "missed": missed}
        for step, number in ((-1, wrong // 2), (1, wrong - wrong // 2)):
            other = ANATOMICAL_ORDER[min(max(rank + step, 0), 23)]
            row[other] = row.get(other, 0) + number
        confusion[level] = {key: number for key, number in row.items() if number}
        levels[level] = LevelScore(
            instances=_PER_LEVEL,
            box_ap50=score + 0.2,
            mask_ap50=score + 0.2,
            mask_ap50_95=score + 0.1 * (0.5 - hard),
            found=right + wrong,
            right=right,
        )
    return levels, confusion


def curves(score: float, epochs: int, seed: int = 0) -> dict[str, list[float]]:
    """Return learning curves that end near `score`."""
    rng = np.random.default_rng(seed)
    along = np.arange(1, epochs + 1) / 60
    rise = score * (1 - np.exp(-3 * along)) + rng.normal(0, 0.006, epochs)
    fall = 1.1 + 2.4 * np.exp(-4 * along) + rng.normal(0, 0.02, epochs)
    return {
        "valid/mask_map50_95": np.maximum(rise, 0).tolist(),
        "valid/cls_loss": fall.tolist(),
        "train/seg_loss": (fall * 0.9).tolist(),
        "valid/seg_loss": (fall * 1.1).tolist(),
    }
