"""Made-up effects, arms, evidence and sealed parts; their figures mean nothing."""

from __future__ import annotations

from typing import Any

from spineseg.evidence.effects import Effect
from spineseg.evidence.results import ArmResult, Evidence, GateResult, SealedTest
from spineseg.metrics import METRICS
from spineseg.seal.opening import Opening


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
    baseline_runs: int = 4,
) -> ArmResult:
    """Return an arm with its trainings' scores, and its effects.

    The baseline's has none; its first training counts as the last of its scores.
    """
    gain = sum(scores) / len(scores) - base
    names = [f"{name}-seed-{i + 1}" for i in range(len(scores))]
    if name == "baseline":
        names[-1] = name
    runs = {"runs": len(scores), "baseline_runs": baseline_runs, "p_holm": p_holm}
    return ArmResult(
        name=name,
        searched_score=None if name == "baseline" else searched,
        scores=scores,
        seeds=[1001 + i for i in range(len(scores))],
        runs=names,
        effects=[]
        if name == "baseline"
        else [
            effect(
                name,
                gain if metric.higher_is_better else -gain,
                half,
                metric=metric.name,
                baseline=base,
                challenger=base + (gain if metric.higher_is_better else -gain),
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
            arm("baseline", None, [0.296, 0.304, 0.300, 0.300]),
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
            arm("baseline", None, [0.290, 0.294, 0.292, 0.292], base=0.292),
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
