"""Made-up studies for the report's tests; their figures mean nothing."""

from __future__ import annotations

from typing import Any

from evaluation_factory import evaluation
from evidence_factory import evidence

from spineseg.evidence.results import ArmResult, RunSummary, StudySummary


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
        "curves": {"valid/mask_map50_95": [0.1, 0.2, 0.25, score or 0.0]},
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
        "data": {"films": {"train": 5, "valid": 2}},
        "space": {"lr0": {"low": 0.001, "high": 0.01, "log": True}},
    }
    return StudySummary.model_validate(values | changes)


def confirmations(arms: list[ArmResult], epochs: int = 4) -> list[RunSummary]:
    """Return the trainings on fresh seeds that the arms are made of."""
    return [
        run(
            name,
            score,
            kind="confirm",
            hypothesis=f"{each.name} once more, on a fresh seed",
            changes={"seed": seed},
            seed=seed,
            epochs=epochs,
            train_seconds=60.0 * epochs,
        )
        for each in arms
        for name, score, seed in zip(each.runs, each.scores, each.seeds, strict=True)
        if name != "baseline"
    ]


def confirmed_study(**changes: Any) -> StudySummary:
    """Return `study` with evidence, its fresh seeds, and other ways of numbering."""
    shown, plain = study(), evidence()
    runs = [
        each.model_copy(
            update={"other_numbering": evaluation(each.evaluation.value("mask_map50_95") - 0.1)}
        )
        if each.evaluation
        else each
        for each in shown.runs
    ]
    values = {"runs": [*runs, *confirmations(plain.arms)], "evidence": plain}
    return shown.model_copy(update=values | changes)
