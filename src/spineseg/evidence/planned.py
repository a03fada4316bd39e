"""A study's plan beside what it took: each training, the whole, the estimate of the time left."""

from __future__ import annotations

from collections.abc import Sequence

from spineseg.config.study import StudyConfig
from spineseg.evidence.audits import PlanAudit, TrainingHours
from spineseg.expected import foreseen
from spineseg.kept_plan import kept_plan
from spineseg.places import StudyPlaces
from spineseg.runs import Run
from spineseg.time_left import measured, so_far
from spineseg.trials import to_come


def plan_audit(config: StudyConfig, places: StudyPlaces, runs: Sequence[Run]) -> PlanAudit | None:
    """Return a study's plan beside what it took; None before a training has ended."""
    plan, completed = kept_plan(places), [run for run in runs if run.outcome == "completed"]
    if not completed:
        return None
    then, told = foreseen(config, runs), []
    for run in completed:
        planned = plan.of(run) if plan is not None else None
        before = [r for r in runs if r.end is not None and r.end.time <= run.job.created]
        taken = measured(config, before)
        expected = None if taken.closing is None else taken.whole(run.job.config) / 3600
        told.append(
            TrainingHours(
                name=run.name,
                planned=planned.hours if planned else None,
                expected=expected,
                actual=hours_of(run),
            )
        )
    return PlanAudit(
        basis=plan.basis if plan is not None else "",
        trainings=tuple(told),
        planned_hours=plan.hours if plan is not None else None,
        planned_trainings=plan.count if plan is not None else None,
        actual_hours=sum(map(hours_of, runs)),
        begun=len(runs),
        ended=all(run.end for run in runs) and not to_come(config, runs),
        foreseen=(then[0] / 3600, then[1] / 3600) if then else None,
    )


def hours_of(run: Run) -> float:
    """Return hours that a run has taken, stops between its attempts not counted."""
    return sum(so_far(run).seconds.values()) / 3600
