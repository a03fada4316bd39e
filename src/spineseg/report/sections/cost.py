"""What the study cost, and the runs that did not complete."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from markupsafe import Markup

from spineseg.config.model import Model
from spineseg.evidence.results import RunSummary, StudySummary
from spineseg.report.curves import valid_curve
from spineseg.report.drawing import BLUE, GREY, ORANGE, SOFT, as_svg, house_style, new_figure
from spineseg.report.wording import changes_text, count, label

MOST_BARS = 24


class Unfinished(Model):
    """A run without a full result, and why."""

    name: str
    outcome: str
    reason: str
    changes: str


def content(summary: StudySummary) -> dict[str, Any]:
    """Return what the template needs."""
    return {
        "text": cost_text(summary),
        "bars": Markup(bars(summary)),
        "left_out": max(0, len(_timed(summary)) - MOST_BARS),
        "unfinished": unfinished(summary),
    }


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


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


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
    curve = run.curves.get(valid_curve(objective))
    best = f"; its best epoch had {label(objective)} {max(curve):.3f}" if curve else ""
    return f"given up {after}{best}"


def bars(summary: StudySummary) -> str:
    """Draw each run's training time, the longest on top; at most `MOST_BARS` of them.

    Trainings on fresh seeds are one bar for each configuration.
    """
    shown = _timed(summary)[-MOST_BARS:]
    if not shown:
        return ""
    hours = shown[-1][1] > 5400
    times = [seconds / (3600 if hours else 60) for _, seconds, _ in shown]
    with house_style():
        figure, axes = new_figure(6.4, 0.9 + 0.22 * len(shown))
        tints = [tint for _, _, tint in shown]
        drawn = axes.barh([name for name, _, _ in shown], times, color=tints, height=0.6)
        axes.bar_label(drawn, fmt="%.1f", padding=4, fontsize=8, color=SOFT)
        seeds = ", blue: fresh seeds" if BLUE in tints else ""
        unit = "hours" if hours else "minutes"
        axes.set_xlabel(f"training {unit} (light: pruned, red: failed{seeds})")
        axes.set_xlim(0, max(times) * 1.1)
        axes.set_ylim(-0.7, len(shown) - 0.3)
        axes.grid(axis="y", visible=False)
        return as_svg(figure, "Training time of each run")


def _timed(summary: StudySummary) -> list[tuple[str, float, str]]:
    """Return (name, seconds, colour), shortest first."""
    timed = [
        (run.name, run.train_seconds, {"pruned": GREY, "failed": ORANGE}.get(run.outcome, SOFT))
        for run in summary.configurations
    ]
    again: dict[str, list[float]] = defaultdict(list)
    for run in summary.runs:
        if run.kind == "confirm":
            again[run.name.rpartition("-seed-")[0]].append(run.train_seconds)
    timed += [(f"{arm}, {len(s)} on fresh seeds", sum(s), BLUE) for arm, s in again.items()]
    return sorted((bar for bar in timed if bar[1] > 0), key=lambda bar: bar[1])
