"""What the study cost, and the runs that did not complete."""

from __future__ import annotations

from collections import Counter, defaultdict
from textwrap import fill
from typing import Any, NamedTuple

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from spineseg.config.model import Model
from spineseg.evidence.results import RunSummary, StudySummary
from spineseg.report.curves import valid_curve
from spineseg.report.drawing import (
    BLUE,
    GREY,
    ORANGE,
    SMALL_PT,
    SOFT,
    WIDTH_IN,
    as_svg,
    house_style,
    new_figure,
)
from spineseg.report.planned import plan_rows, planned_lines
from spineseg.report.wording import changes_text, count, label

MOST_BARS = 24
_MOST_LETTERS = 28  # Of a name beside its bar; longer ones are broken.
_UNITS = (("hours", 3600), ("minutes", 60), ("seconds", 1))


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
        "planned": planned_lines(summary.planned),
        "plan_rows": plan_rows(summary.planned),
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
    """Return failed, pruned, interrupted and running runs, in this order, each with its reason."""
    order = ("failed", "pruned", "interrupted", "running")
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
        again = f"; {run.again}" if run.again else ""
        return f"{run.failure or 'no reason on record'} ({after}){again}"
    if run.outcome == "interrupted":
        return f"{count(run.epochs, 'epoch')} done; the study goes on with it"
    if run.outcome == "running":
        return f"still running, {count(run.epochs, 'epoch')} done"
    curve = run.curves.get(valid_curve(objective))
    best = f"; its best epoch had {label(objective)} {max(curve):.3f}" if curve else ""
    return f"given up {after}{best}"


class _Bar(NamedTuple):
    name: str
    seconds: float
    colour: str
    outcome: str  # Said beside the bar; empty where it is an ordinary one.


def bars(summary: StudySummary) -> str:
    """Draw each run's training time, the longest on top; at most `MOST_BARS` of them.

    Trainings on fresh seeds are one bar for each configuration.
    """
    shown = _timed(summary)[-MOST_BARS:]
    if not shown:
        return ""
    longest = shown[-1]
    unit, size = next(pair for pair in _UNITS if longest.seconds >= pair[1] * 1.5 or pair[1] == 1)
    times = [bar.seconds / size for bar in shown]
    names = [fill(bar.name, _MOST_LETTERS) for bar in shown]
    with house_style():
        figure, axes = new_figure(
            WIDTH_IN, 0.9 + 0.22 * len(shown) + 0.14 * sum(n.count("\n") for n in names)
        )
        places = range(len(shown))
        drawn = axes.barh(places, times, color=[bar.colour for bar in shown], height=0.6)
        beside = [
            f"{time:.1f} {bar.outcome}".strip() for time, bar in zip(times, shown, strict=True)
        ]
        axes.bar_label(drawn, beside, padding=4, fontsize=SMALL_PT, color=SOFT)
        axes.set_yticks(places, names)
        axes.set_xlabel(f"training {unit}")
        axes.set_xlim(0, max(times) * 1.14)
        axes.set_ylim(-0.7, len(shown) - 0.3)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
        axes.grid(axis="y", visible=False)
        says = (
            f"{count(len(shown), 'bar')}, from {longest.name}, {duration(longest.seconds)}, down "
            f"to {shown[0].name}, {duration(shown[0].seconds)}."
        )
        return as_svg(figure, "Training time of each run", says)


def _arm(run: RunSummary) -> str:
    return run.name.rpartition("-seed-")[0]


def _timed(summary: StudySummary) -> list[_Bar]:
    """Return the bars, shortest first."""
    colours = {"pruned": GREY, "failed": ORANGE}
    timed = [
        _Bar(
            run.name,
            run.train_seconds,
            colours.get(run.outcome, SOFT),
            "" if run.outcome == "completed" else run.outcome,
        )
        for run in summary.runs
        if run.kind != "confirm"
    ]
    again: dict[str, list[float]] = defaultdict(list)
    for run in summary.runs:
        if run.kind == "confirm":
            again[_arm(run)].append(run.train_seconds)
    seeds = Counter(_arm(run) for run in summary.standing if run.kind == "confirm")
    timed += [
        _Bar(f"{arm}, {seeds[arm]} on fresh seeds", sum(s), BLUE, "") for arm, s in again.items()
    ]
    return sorted((bar for bar in timed if bar.seconds > 0), key=lambda bar: bar.seconds)
