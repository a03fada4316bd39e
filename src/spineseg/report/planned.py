"""What was planned beside what was taken: the study, each training, the estimate of time left."""

from __future__ import annotations

from statistics import median
from typing import NamedTuple

from spineseg.evidence.audits import PlanAudit
from spineseg.report.wording import NONE, count
from spineseg.run_times import duration

MOST_ROWS = 30


class PlanRow(NamedTuple):
    """A training's hours, as words."""

    name: str
    planned: str
    expected: str
    taken: str


def plan_rows(audit: PlanAudit | None) -> list[PlanRow]:
    """Return the first completed trainings, in their order."""
    shown = audit.trainings[:MOST_ROWS] if audit else ()
    return [PlanRow(t.name, *map(_hours, (t.planned, t.expected, t.actual))) for t in shown]


def planned_lines(audit: PlanAudit | None) -> list[str]:
    """Return what is said of the plan, a paragraph each; none before a training has completed."""
    if audit is None:
        return []
    return [_whole(audit), *_each(audit), *_left(audit), *_rows_left_out(audit)]


def _whole(audit: PlanAudit) -> str:
    took = f"{count(audit.begun, 'training')} took {_hours(audit.actual_hours)}"
    if audit.planned_hours is None or audit.planned_trainings is None:
        return (
            f"{took}. No hours were planned: `spineseg plan` estimates them before a study begins."
        )
    text = (
        f"When the study began, {count(audit.planned_trainings, 'training')} were planned to take "
        f"{_hours(audit.planned_hours)} together, none pruned ({audit.basis}). {took}"
    )
    if not audit.ended:
        return f"{text} so far."
    return f"{text}, {audit.actual_hours / audit.planned_hours:.0%} of that."


def _each(audit: PlanAudit) -> list[str]:
    said = []
    for what, pairs in (
        ("its planned hours", [(t, t.planned) for t in audit.trainings]),
        ("what was estimated just before it began", [(t, t.expected) for t in audit.trainings]),
    ):
        ratios = sorted(t.actual / hours for t, hours in pairs if hours)
        if ratios:
            spread = f" ({ratios[0]:.2f} to {ratios[-1]:.2f})" if len(ratios) > 1 else ""
            said.append(
                f"Of {count(len(ratios), 'completed training')}, the median took "
                f"{median(ratios):.2f} times {what}{spread}."
            )
    return said


def _left(audit: PlanAudit) -> list[str]:
    if audit.foreseen is None:
        return []
    expected, took = audit.foreseen
    return [
        f"After the third training {_hours(expected)} were expected still; it took {_hours(took)}"
        f", {(expected - took) / took:+.0%} beside it."
    ]


def _rows_left_out(audit: PlanAudit) -> list[str]:
    more = len(audit.trainings) - MOST_ROWS
    return [f"The last {more} completed trainings are not listed."] if more > 0 else []


def _hours(hours: float | None) -> str:
    return NONE if hours is None else duration(hours * 3600)
