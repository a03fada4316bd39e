"""A made-up study of the real size, with its evidence; its figures mean nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from evaluation_factory import curves, evaluation
from evidence_factory import arm, effect, evidence, opening, sealed_test
from report_factory import confirmations, run

from spineseg.evidence.results import ArmResult, GateResult, StudySummary


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
            "films": {"train": 700, "valid": 81},
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


def large_evidence() -> dict[str, Any]:
    """Return what `large_study` takes to have its evidence and its test part, opened twice."""
    base, rng = large_study(), np.random.default_rng(8)
    gains = {r.name: (r.value("mask_map50_95") or 0) - 0.537 for r in base.runs}
    variants = [
        effect(r.name, gains[r.name], 0.018, baseline=0.537, challenger=0.537 + gains[r.name],
               baseline_runs=6)
        for r in base.runs if r.kind == "variant"
    ]  # fmt: skip
    top = sorted(base.challengers, key=lambda r: -gains[r.name])[:3]

    def arms(shift: float, half: float) -> list[ArmResult]:
        found = [arm("baseline", None, (0.534 + shift + rng.normal(0, 0.006, 6)).tolist())]
        for place, each in enumerate(top):
            mean = 0.537 + shift + gains[each.name] * (0.55 - 0.2 * place)
            scores = (mean + rng.normal(0, 0.006, 5)).tolist()
            searched = 0.537 + gains[each.name]
            found.append(
                arm(each.name, searched, scores, base=found[0].mean, half=half,
                    p_holm=0.004 + 0.06 * place, baseline_runs=6)
            )  # fmt: skip
        return [found[0], *sorted(found[1:], key=lambda a: -a.mean)]

    confirmed, tested = arms(0.0, 0.015), arms(-0.02, 0.021)
    runs = [
        r.model_copy(
            update={"other_numbering": evaluation(r.evaluation.value("mask_map50_95") - 0.1)}
        )
        if r.evaluation
        else r
        for r in base.runs
    ]
    shown = evidence(
        baseline_scores=confirmed[0].scores,
        noise_sd=0.0061,
        seeds=5,
        detectable_sd=2.02,
        variants=variants,
        arms=confirmed,
    )
    gates = [
        GateResult(name="confirmed on fresh seeds", passed=True, figure="5 trainings, 5 of the "
                   "baseline; two of each are the least"),
        GateResult(name="no leak in the audit", passed=True, figure="none"),
        GateResult(name="better on the test part", passed=False, figure="mask_map50_95 0.5412 "
                   "against 0.5140, +0.0272 (95 % interval +0.0062 to +0.0482; must lie above 0)"),
    ]  # fmt: skip
    test = sealed_test(
        arms=tested,
        openings=[opening(), opening(9, "the first promotion was refused for its speed alone")],
        gates=gates,
        candidate=confirmed[1].name,
        promoted=False,
    )
    return {
        "runs": [*runs, *confirmations(confirmed, 60)],
        "evidence": shown,
        "test": test,
    }
