"""A made-up study for the report's tests; its figures mean nothing."""

from __future__ import annotations

import numpy as np

from spineseg.evaluation.result import Evaluation, LevelScore
from spineseg.levels import ANATOMICAL_ORDER
from spineseg.report.model import RunSummary, StudySummary


def evaluation(score: float) -> Evaluation:
    """Return an evaluation whose mask mAP50-95 is `score`."""
    grid = np.linspace(0, 1, 201)
    curve = {"confidence": grid.tolist()}
    for name in ("box_f1", "mask_f1", "mask_precision", "mask_recall"):
        curve[name] = (score * (1 - (grid - 0.4) ** 2)).tolist()
    return Evaluation(
        images=20,
        instances=240,
        box_map50=score + 0.22,
        box_map50_95=score + 0.05,
        mask_map50=score + 0.2,
        mask_map50_95=score,
        box_best_f1=score + 0.1,
        box_best_f1_confidence=0.3,
        mask_best_f1=score + 0.08,
        mask_best_f1_confidence=0.31,
        mask_precision=0.7,
        mask_recall=0.6,
        confidence=0.25,
        found_rate=0.95,
        right_level_rate=score + 0.1,
        off_by_one_rate=0.1,
        missed=5,
        invented=7,
        doubled=2,
        seconds_per_image=0.0123,
        levels={
            level: LevelScore(
                instances=10, box_ap50=score, mask_ap50=score, mask_ap50_95=score, found=9, right=7
            )
            for level in ANATOMICAL_ORDER
        },
        f1_curve=curve,
        confusion={level: {level: 7, "missed": 1} for level in ANATOMICAL_ORDER}
        | {"background": {"T5": 2}},
    )


def run(name: str, score: float | None, **changes: object) -> RunSummary:
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
    }
    return RunSummary.model_validate(values | changes)


def study(*runs: RunSummary, **changes: object) -> StudySummary:
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
