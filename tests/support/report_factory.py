"""Made-up studies for the report's tests; their figures mean nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from spineseg.evaluation.result import Evaluation, LevelScore, ViewScore
from spineseg.evidence.effects import Effect
from spineseg.evidence.results import (
    ArmResult,
    Evidence,
    GateResult,
    Opening,
    RunSummary,
    SealedTest,
    StudySummary,
)
from spineseg.films import Outline
from spineseg.levels import ANATOMICAL_ORDER

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
        box_map50_any=score + 0.3,
        box_map50_95_any=score + 0.2,
        mask_map50_any=score + 0.28,
        mask_map50_95_any=score + 0.15,
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
        whole_column_right_rate=score / 2,
        mean_dice=0.8 + score / 10,
        mean_boundary_px=2.5 - score,
        missed=labelled - found,
        invented=22,
        doubled=13,
        seconds_per_image=0.0123,
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


def _view(score: float, images: int, instances: int, lost: float) -> ViewScore:
    right = 0.6 + score / 2 - lost
    return ViewScore(
        images=images,
        instances=instances,
        found_rate=0.95,
        right_level_rate=right,
        off_by_one_rate=0.95 - right,
        whole_column_right_rate=score / 2,
        missed=round(0.05 * instances),
        invented=11,
        doubled=6,
        mean_dice=0.8 + score / 10,
        mean_boundary_px=2.5 - score,
        box_map50=score + 0.2,
        box_map50_95=score + 0.03,
        mask_map50=score + 0.18,
        mask_map50_95=score - lost,
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


METRICS = ("mask_map50_95", "mask_map50", "box_map50", "right_level_rate", "off_by_one_rate")
METRICS += ("whole_column_right_rate",)


def effect(
    name: str, gain: float, half: float = 0.02, *, metric: str = "mask_map50_95", **changes: Any
) -> Effect:
    """Return an effect of `gain` over a baseline of 0.3, with an interval of twice `half`."""
    values = {
        "name": name,
        "metric": metric,
        "baseline": 0.3,
        "challenger": 0.3 + gain,
        "low": gain - half,
        "high": gain + half,
        "p": 0.004,
        "p_holm": None,
        "runs": 1,
        "baseline_runs": 1,
    }
    return Effect.model_validate(values | changes)


def arm(
    name: str,
    searched: float | None,
    scores: list[float],
    *,
    base: float = 0.3,
    half: float = 0.02,
    p_holm: float = 0.012,
) -> ArmResult:
    """Return an arm with its fresh seeds' scores; effects unless it is the baseline's."""
    gain = sum(scores) / len(scores) - base
    runs = {"runs": len(scores), "baseline_runs": len(scores), "p_holm": p_holm}
    return ArmResult(
        name=name,
        searched_score=searched,
        scores=scores,
        seeds=[1001 + i for i in range(len(scores))],
        runs=[f"{name}-seed-{i + 1}" for i in range(len(scores))],
        effects=[]
        if name == "baseline"
        else [
            effect(
                name,
                -gain if metric == "off_by_one_rate" else gain,
                half,
                metric=metric,
                baseline=base,
                challenger=base - gain if metric == "off_by_one_rate" else base + gain,
                **runs,
            )
            for metric in METRICS
        ],
    )


def evidence(**changes: Any) -> Evidence:
    """Return the evidence of `study`: no-flips confirmed at +0.030, upright not told apart."""
    values = {
        "objective": "mask_map50_95",
        "films": 81,
        "patients": 60,
        "baseline_scores": [0.300, 0.296, 0.304, 0.300],
        "noise_sd": 0.0033,
        "seeds": 3,
        "detectable_sd": 3.2,
        "variants": [
            effect("no-flips", 0.0456, baseline_runs=4),
            effect("no-mosaic", 0.003, baseline_runs=4),
            effect("upright", -0.05, baseline_runs=4),
        ],
        "arms": [
            arm("baseline", 0.300, [0.296, 0.304, 0.300]),
            arm("no-flips", 0.3456, [0.325, 0.335, 0.330]),
            arm("no-mosaic", 0.303, [0.300, 0.304, 0.305], p_holm=0.7),
        ],
        "numbering": "sequence",
    }
    return Evidence.model_validate(values | changes)


def opening(day: int = 2, reason: str = "promotion") -> Opening:
    """Return one opening of the sealed test part."""
    return Opening(
        time=f"2025-02-{day:02d} 10:00",
        study="made-up",
        runs=["baseline-seed-1", "no-flips-seed-1"],
        reason=reason,
    )


def sealed_test(**changes: Any) -> SealedTest:
    """Return a test part opened once, where no-flips gains 0.025 and passes its gates."""
    values = {
        "films": 44,
        "patients": 31,
        "openings": [opening()],
        "arms": [
            arm("baseline", None, [0.290, 0.294, 0.292], base=0.292),
            arm("no-flips", None, [0.315, 0.318, 0.318], base=0.292),
            arm("no-mosaic", None, [0.294, 0.292, 0.296], base=0.292, p_holm=0.8),
        ],
        "gates": [
            GateResult(name="confirmed on fresh seeds", passed=True, figure="3 trainings, 3"),
            GateResult(name="speed", passed=True, figure="1.02 times the baseline's"),
        ],
        "candidate": "no-flips",
        "promoted": True,
    }
    return SealedTest.model_validate(values | changes)


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
    ]


def confirmed_study(**changes: Any) -> StudySummary:
    """Return `study` with evidence, its fresh seeds, and other ways of numbering."""
    shown, plain = study(), evidence()
    runs = [
        each.model_copy(update={"other_numbering": evaluation(each.evaluation.mask_map50_95 - 0.1)})
        if each.evaluation
        else each
        for each in shown.runs
    ]
    values = {"runs": [*runs, *confirmations(plain.arms)], "evidence": plain}
    return shown.model_copy(update=values | changes)


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
        found = [arm("baseline", 0.537, (0.534 + shift + rng.normal(0, 0.006, 5)).tolist())]
        for place, each in enumerate(top):
            mean = 0.537 + shift + gains[each.name] * (0.55 - 0.2 * place)
            scores = (mean + rng.normal(0, 0.006, 5)).tolist()
            searched = 0.537 + gains[each.name]
            found.append(
                arm(each.name, searched, scores, base=found[0].mean, half=half,
                    p_holm=0.004 + 0.06 * place)
            )  # fmt: skip
        return [found[0], *sorted(found[1:], key=lambda a: -a.mean)]

    confirmed, tested = arms(0.0, 0.015), arms(-0.02, 0.021)
    runs = [
        r.model_copy(update={"other_numbering": evaluation(r.evaluation.mask_map50_95 - 0.1)})
        if r.evaluation
        else r
        for r in base.runs
    ]
    shown = evidence(
        baseline_scores=[0.537, *confirmed[0].scores],
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
