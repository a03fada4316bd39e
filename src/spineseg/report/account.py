"""What the report says of runs that did not complete, of cost, and of the data."""

from __future__ import annotations

from typing import Any

from spineseg.config.model import Model
from spineseg.evidence.results import RunSummary, StudySummary
from spineseg.report.wording import changes_text, count, duration, metric_name


class Unfinished(Model):
    """A run without a full result, and why."""

    name: str
    outcome: str
    reason: str
    changes: str


def unfinished(summary: StudySummary) -> list[Unfinished]:
    """Return failed, then pruned, then running runs, each with its reason."""
    order = ("failed", "pruned", "running")
    chosen = [run for run in summary.runs if run.outcome in order]
    return [
        Unfinished(
            name=run.name,
            outcome=run.outcome,
            reason=_reason(run, summary.objective),
            changes=changes_text(run),
        )
        for run in sorted(chosen, key=lambda run: order.index(run.outcome))
    ]


def _reason(run: RunSummary, objective: str) -> str:
    after = f"after {count(run.epochs, 'epoch')}" if run.epochs else "before its first epoch"
    if run.outcome == "failed":
        return f"{run.failure or 'no reason on record'} ({after})"
    if run.outcome == "running":
        return f"still running, {count(run.epochs, 'epoch')} done"
    curve = run.curves.get(f"val/{objective}")
    best = f"; its best epoch had {metric_name(objective)} {max(curve):.3f}" if curve else ""
    return f"given up {after}{best}"


def remarks(summary: StudySummary) -> list[tuple[str, str]]:
    """Return (run, remark) for what keeps a run from being compared like the others."""
    found = [(run.name, note) for run in summary.runs for note in run.notes]
    baseline = summary.baseline
    for run in summary.configurations:
        wanted = baseline and baseline.batch and run.batch and "batch" not in run.changes
        if baseline and wanted and run.batch != baseline.batch and not run.notes:
            note = f"trained with batch {run.batch}, not the baseline's {baseline.batch}"
            found.append((run.name, f"{note}: not comparable."))
    return found


def cost_text(summary: StudySummary) -> str:
    """Return what the study cost and what pruning saved."""
    seconds = sum(run.train_seconds for run in summary.runs)
    pruned = [run for run in summary.runs if run.outcome == "pruned"]
    baseline = summary.baseline
    text = f"{count(len(summary.runs), 'training')} took {duration(seconds)} on {summary.machine}."
    again = [run.train_seconds for run in summary.runs if run.kind == "confirm"]
    if again:
        text += f" {len(again)} of them, on fresh seeds, took {duration(sum(again))}."
    if pruned and baseline and baseline.outcome == "completed":
        saved = sum(max(0, baseline.epochs - run.epochs) for run in pruned)
        spared = f"{len(pruned)} {'was' if len(pruned) == 1 else 'were'} pruned"
        text += (
            f" {spared} early, {count(saved, 'epoch')} short of the baseline's {baseline.epochs}."
        )
    lost = sum(run.train_seconds for run in summary.runs if run.outcome == "failed")
    if lost:
        text += f" {duration(lost)} went into runs that failed."
    return text


def search_text(summary: StudySummary) -> str:
    """Return how the searched runs ended; empty where the study has no search."""
    runs = [run for run in summary.runs if run.kind == "search"]
    if not runs:
        return "No searched run is on record yet." if summary.space else ""
    ends = {word: sum(run.outcome == word for run in runs) for word in ("completed", "pruned")}
    if ends["pruned"] == len(runs):
        alone = "The one searched run was pruned" if len(runs) == 1 else ""
        text = alone or f"All {len(runs)} searched runs were pruned"
        return f"{text}: none kept up with the runs before it."
    words = [f"{number} {word}" for word, number in ends.items() if number]
    rest = len(runs) - sum(ends.values())
    words += [f"{rest} failed or unfinished"] if rest else []
    return f"{count(len(runs), 'searched run')}: {', '.join(words)}."


def space_lines(summary: StudySummary) -> list[tuple[str, str]]:
    """Return (parameter, what the search could choose)."""
    return [(name, _axis_text(axis)) for name, axis in summary.space.items()]


def _axis_text(axis: Any) -> str:
    if not isinstance(axis, dict):
        return str(axis)
    if "choices" in axis:
        return " or ".join(str(choice) for choice in axis["choices"])
    if "low" not in axis or "high" not in axis:
        return fact_text(axis)
    kind = ", log" if axis.get("log") else ", whole numbers" if axis.get("integer") else ""
    return f"{axis['low']:g} to {axis['high']:g}{kind}"


def fact_text(value: Any) -> str:
    """Return counts, lists and nested counts of a dataset as words."""
    if isinstance(value, dict):
        parts = [
            f"{key}: {fact_text(v)}" if isinstance(v, dict) else f"{fact_text(v)} {key}"
            for key, v in value.items()
        ]
        return ("; " if any(isinstance(v, dict) for v in value.values()) else ", ").join(parts)
    if isinstance(value, list | tuple):
        return ", ".join(fact_text(item) for item in value)
    return "none" if value is None else str(value)
