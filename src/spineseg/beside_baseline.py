"""What a training's scores stand beside while a study runs: the baseline's, at the same point.

Two scores of a training are told apart everywhere. *Live* is the trainer's own after an epoch, on
masks at reduced resolution; *scored* is this project's evaluator's, of the best weights on masks at
full resolution: what tables, choice and evidence rest on.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import mean
from typing import NamedTuple

from spineseg.job import Job
from spineseg.metrics import signed
from spineseg.runs import Run
from spineseg.standing import standing


class Beside(NamedTuple):
    """A score of the baseline, and whose exactly."""

    value: float
    whose: str  # "baseline", "baseline on this seed", "baseline's mean of 3 seeds".


def live_beside(job: Job, epoch: int, runs: Iterable[Run]) -> Beside | None:
    """Return the baseline's live score at an epoch of `job`; after its last one, the last."""
    run, whose = _one(job, [run for run in of_baseline(standing(runs)) if run.last_epoch])
    if run is None:
        return None
    return Beside(run.marks[min(epoch, len(run.marks)) - 1].score, whose)


def scored_beside(job: Job, runs: Iterable[Run]) -> Beside | None:
    """Return the baseline's score that the end of `job` stands beside."""
    scored = [run for run in of_baseline(runs) if run.outcome == "completed"]
    run, whose = _one(job, scored)
    if job.kind == "confirm" and run is not None and run.job.config.seed != job.config.seed:
        own = [run.value for run in scored if run.name != job.name]
        return Beside(mean(own), f"baseline's mean of {len(own)}" if len(own) > 1 else whose)
    return Beside(run.value, whose) if run is not None else None


def of_baseline(runs: Iterable[Run]) -> list[Run]:
    """Return the baseline's trainings: all that a score is ever held beside."""
    return [run for run in runs if run.job.arm == "baseline"]


def _one(job: Job, runs: Iterable[Run]) -> tuple[Run | None, str]:
    """Return the baseline's training on the same seed where there is one, else its first."""
    own = [run for run in runs if run.name != job.name]
    same = next((run for run in own if run.job.config.seed == job.config.seed), None)
    if job.kind == "confirm":
        first = own[0] if own else None
        return (same, "baseline on this seed") if same else (first, "baseline's first")
    return next((run for run in own if run.job.kind == "baseline"), None), "baseline"


def in_words(value: float, beside: Beside | None) -> str:
    """Return a score beside the baseline's: "0.353 (baseline 0.302, +0.051)"."""
    if beside is None:
        return f"{value:.3f}"
    return f"{value:.3f} ({beside.whose} {beside.value:.3f}, {signed(value - beside.value)})"
