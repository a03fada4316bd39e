"""Made-up studies for the report's tests; their figures mean nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from spineseg.evaluation.result import Evaluation, LevelScore
from spineseg.films import Outline
from spineseg.levels import ANATOMICAL_ORDER
from spineseg.report.model import RunSummary, StudySummary

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
        images=81,
        instances=labelled,
        box_map50=score + 0.22,
        box_map50_95=score + 0.05,
        mask_map50=score + 0.2,
        mask_map50_95=score,
        box_best_f1=float(f1[best]),
        box_best_f1_confidence=float(grid[best]),
        mask_best_f1=float(f1[best]),
        mask_best_f1_confidence=float(grid[best]),
        mask_precision=float(precision[best]),
        mask_recall=float(recall[best]),
        confidence=0.25,
        found_rate=found / labelled,
        right_level_rate=right / labelled,
        off_by_one_rate=(found - right) / labelled,
        missed=labelled - found,
        invented=22,
        doubled=13,
        seconds_per_image=0.0123,
        levels=levels,
        f1_curve={
            "confidence": grid.tolist(),
            "box_f1": f1.tolist(),
            "mask_f1": f1.tolist(),
            "mask_precision": precision.tolist(),
            "mask_recall": recall.tolist(),
        },
        confusion=confusion,
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
        "val/mask_map50_95": np.maximum(rise, 0).tolist(),
        "val/cls_loss": fall.tolist(),
        "train/seg_loss": (fall * 0.9).tolist(),
        "val/seg_loss": (fall * 1.1).tolist(),
    }


def run(name: str, score: float | None, **changes: Any) -> RunSummary:
    """Return a run; `score` None is one without an evaluation."""
    values = {
        "name": name,
        "kind": "variant",
        "outcome": "completed",
        "epochs": 4,
        "parameters": 2_847_288,
        "train_seconds": 93.0,
        "evaluation": None if score is None else evaluation(score),
        "curves": {"val/mask_map50_95": [0.1, 0.2, 0.25, score or 0.0]},
        "hypothesis": "A reason <b>&</b> more.",
        "changes": {"fliplr": 0.0},
        "seed": 0,
        "batch": 16,
    }
    return RunSummary.model_validate(values | changes)


def study(*runs: RunSummary, **changes: Any) -> StudySummary:
    """Return a study with a baseline of 0.3 and, unless given, five other runs."""
    base = run("baseline", 0.30, kind="baseline", hypothesis=None, changes={})
    others = runs or (
        run("no-flips", 0.3456),
        run("no-mosaic", 0.303),
        run("upright", 0.25),
        run("search-001", 0.21, kind="search", outcome="pruned", epochs=2, changes={"lr0": 0.004}),
        run(
            "search-002",
            None,
            kind="search",
            outcome="failed",
            failure="out_of_memory: 2 GiB",
            curves={},
            changes={"lr0": 0.001},
        ),
    )
    values = {
        "name": "made-up",
        "synthetic": True,
        "objective": "mask_map50_95",
        "created": "today",
        "machine": "a machine",
        "runs": [base, *others],
        "best": "no-flips",
        "importances": {"lr0": 0.7, "scale": 0.3},
        "data": {"images": {"train": 5, "valid": 2}},
        "space": {"lr0": {"low": 0.001, "high": 0.01, "log": True}},
    }
    return StudySummary.model_validate(values | changes)


def large_study(**changes: Any) -> StudySummary:
    """Return a study of the real size: baseline, eight variants, and a search of 24 runs."""
    rng = np.random.default_rng(3)
    reason = "Flips hide heart, stomach and side; without them levels are told apart better."
    named = {"no-flips": 0.571, "no-mosaic": 0.534, "upright": 0.579, "full-masks": 0.552}
    named |= {"size-s": 0.561, "size-m": 0.566, "rotation": 0.498, "class-weights": 0.541}
    runs = [
        run(
            name,
            score,
            kind="baseline" if name == "baseline" else "variant",
            hypothesis=None if name == "baseline" else reason,
            changes={} if name == "baseline" else {"fliplr": 0.0, "mosaic": 0.0},
            epochs=60,
            best_epoch=55,
            curves=curves(score, 60, seed),
            train_seconds=3600 + 400 * seed,
        )
        for seed, (name, score) in enumerate({"baseline": 0.537, **named}.items())
    ]
    for number in range(24):
        drawn = {"lr0": float(10 ** rng.uniform(-4, -2)), "mosaic": float(rng.uniform())}
        drawn |= {"cls_gain": float(10 ** rng.uniform(-0.6, 0.6)), "fliplr": [0.0, 0.5][number % 2]}
        score = 0.585 - 0.05 * abs(np.log10(drawn["lr0"]) + 3) - 0.04 * drawn["mosaic"]
        score = float(score - 0.3 * drawn["fliplr"] * 0.2 + rng.normal(0, 0.006))
        outcome = "pruned" if score < 0.52 else "completed"
        epochs = 60 if outcome == "completed" else int(rng.integers(6, 30))
        extra: dict[str, Any] = {}
        if number == 11:
            outcome, epochs = "failed", 8
            extra = {"failure": "nan_loss: the mask loss became not-a-number", "evaluation": None}
        if number == 23:
            outcome, extra = "running", {"evaluation": None}
        if number == 7:
            extra["notes"] = ["batch was halved to 8 after out-of-memory: not comparable."]
        values = {
            "kind": "search",
            "outcome": outcome,
            "hypothesis": None,
            "changes": drawn,
            "epochs": epochs,
            "curves": curves(score, epochs, number + 20),
            "train_seconds": 60.0 * epochs,
        }
        shown = score if outcome == "completed" else score - 0.1
        runs.append(run(f"search-{number:03d}", shown, **(values | extra)))
    done = [r for r in runs if r.outcome == "completed"]
    values = {
        "name": "spine",
        "description": "The original's training and what might improve on it, on two datasets.",
        "synthetic": True,
        "objective": "mask_map50_95",
        "created": "2025-01-02 03:04",
        "machine": "A processor, 16 cores, a GPU",
        "runs": runs,
        "best": max(done, key=lambda r: r.value("mask_map50_95") or 0).name,
        "importances": {"lr0": 0.48, "mosaic": 0.27, "fliplr": 0.19, "cls_gain": 0.06},
        "data": {
            "fingerprint": "3f9a0c117bd24e55",
            "sources": ["phantom frontal", "phantom lateral"],
            "images": {"train": 700, "valid": 81},
            "views": {"train": {"frontal": 400, "lateral": 300}, "valid": {"frontal": 41}},
        },
        "space": {
            "lr0": {"low": 0.0001, "high": 0.01, "log": True},
            "mosaic": {"low": 0.0, "high": 1.0, "log": False},
            "cls_gain": {"low": 0.25, "high": 4.0, "log": True},
            "fliplr": {"choices": [0.0, 0.5]},
        },
        "versions": {"python": "3.11.7", "torch": "2.14.1"},
    }
    return StudySummary.model_validate(values | changes)


def column(shift: float = 0.0, *, bend: float = 0.0) -> tuple[Outline, ...]:
    """Return 17 detections, T1..L5, thin and close below each other, on a line or an arc."""
    box = np.array([[0.3, 0], [0.5, 0], [0.5, 0.02], [0.3, 0.02]])
    return tuple(
        Outline(
            level,
            box + np.array([shift + bend * np.sin(np.pi * i / 8), 0.1 + 0.035 * i]),
            0.9,
        )
        for i, level in enumerate(ANATOMICAL_ORDER[7:])
    )
