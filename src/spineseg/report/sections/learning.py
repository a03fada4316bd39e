"""How the runs learned: the objective and the losses over the epochs."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from spineseg.evidence.results import StudySummary
from spineseg.report.chosen_runs import leader_name
from spineseg.report.curves import train_curve, valid_curve
from spineseg.report.drawing import (
    BLUE,
    GREY,
    INK,
    SOFT,
    VARIANT_COLOURS,
    as_svg,
    house_style,
    new_figure,
)
from spineseg.report.html import svgs
from spineseg.report.wording import label

LOSSES = (
    (valid_curve("cls_loss"), "class loss, validation"),
    (train_curve("seg_loss"), "mask loss, training"),
    (valid_curve("seg_loss"), "mask loss, validation"),
)
_MANY_EPOCHS = 20
_LAST_MARK = {"pruned": "x", "failed": "v"}


def content(summary: StudySummary) -> dict[str, Any] | None:
    """Return what the template needs; None where no run has a curve."""
    goal = (valid_curve(summary.objective), f"{label(summary.objective)}, validation")
    drawn = svgs([learning_curves(summary, *curve) for curve in (goal, *LOSSES)])
    return {"legend": legend(summary), "curves": drawn} if drawn else None


def run_colours(summary: StudySummary) -> dict[str, str]:
    """Return run -> colour: baseline black, leader blue, variants one each, searched runs grey."""
    leader = leader_name(summary)
    variants = [run.name for run in summary.runs if run.kind == "variant"]
    colours = {run.name: GREY for run in summary.runs}
    for place, name in enumerate(name for name in variants if name != leader):
        colours[name] = VARIANT_COLOURS[place % len(VARIANT_COLOURS)]
    if leader:
        colours[leader] = BLUE
    return colours | {"baseline": INK}


def legend(summary: StudySummary) -> list[tuple[str, str, str]]:
    """Return (colour, name, line class) for every kind of line that the learning curves show."""
    colours, leader = run_colours(summary), leader_name(summary)
    drawn = [run for run in summary.configurations if any(run.curves.values())]
    named = [run for run in drawn if run.kind != "search" or run.name == leader]
    named.sort(key=lambda run: (run.kind != "baseline", run.name != leader))
    mark = " (best)" if leader == summary.best else " (leading)"
    lines = [
        (
            colours[run.name],
            run.name + (mark if run.name == leader else ""),
            "thick" if run.name in ("baseline", leader) else "line",
        )
        for run in named
    ]
    rest = sum(run.kind == "search" and run.name != leader for run in drawn)
    if rest:
        lines.append((GREY, f"searched ({rest})", "thin"))
    ends = {run.outcome for run in drawn}
    lines += [(SOFT, "pruned", "mark-pruned")] if "pruned" in ends else []
    return lines + ([(SOFT, "failed", "mark-failed")] if "failed" in ends else [])


def learning_curves(summary: StudySummary, curve: str, title: str) -> str:
    """Draw one curve over the epochs for every run that has it; empty where none has."""
    runs = [run for run in summary.configurations if run.curves.get(curve)]
    if not runs:
        return ""
    colours, leader = run_colours(summary), leader_name(summary)
    with house_style():
        figure, axes = new_figure(5.3, 3.1)
        for run in runs:
            values = run.curves[curve]
            top = 3 if run.name == "baseline" else 2 if run.name == leader else 0
            width = {"search": 0.9, "variant": 1.4}.get(run.kind, 2.6)
            style: dict[str, Any] = {"color": colours[run.name], "zorder": 3 + top}
            style["lw"] = 2.2 if run.name == leader and run.kind != "baseline" else width
            style["zorder"] += run.kind == "variant"
            style["marker"] = "o" if len(values) == 1 else None
            axes.plot(range(1, len(values) + 1), values, ms=4, **style)
            if run.outcome in _LAST_MARK:
                mark = _LAST_MARK[run.outcome]
                axes.plot(len(values), values[-1], mark, color=SOFT, ms=5, zorder=9)
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, steps=[1, 2, 5, 10]))
        longest = max(len(run.curves[curve]) for run in runs)
        axes.set_xlim(1 - 0.02 * longest, longest + 0.02 * longest + 0.1)
        if curve.endswith("_loss"):
            _loss_limits(axes, [run.curves[curve] for run in runs])
        else:
            axes.set_ylim(bottom=0)
        return as_svg(figure, f"{title} over the epochs")


def _loss_limits(axes: Axes, curves: list[list[float]]) -> None:
    """Show where the losses end: of many epochs, the first, far above the others, are cut off."""
    finite = np.concatenate([np.array(curve, float) for curve in curves])
    finite = finite[np.isfinite(finite)]
    if finite.size:
        most = 97 if max(map(len, curves)) > _MANY_EPOCHS else 100
        low, high = float(finite.min()), float(np.percentile(finite, most))
        if high > low:
            axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
