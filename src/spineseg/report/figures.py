"""The report's figures of runs: learning, importances, searched values, cost."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

from spineseg.evidence.results import RunSummary, StudySummary
from spineseg.report.drawing import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    SOFT,
    VARIANT_COLOURS,
    as_svg,
    house_style,
    new_figure,
)
from spineseg.report.wording import metric_name

MOST_ROWS = 24
_MANY_EPOCHS = 20
_LAST_MARK = {"pruned": "x", "failed": "v"}


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


def leader_name(summary: StudySummary) -> str | None:
    """Return the run that the figures set off: the leading one."""
    return summary.leader.name if summary.leader else None


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


def learning_curves(summary: StudySummary, metric: str, title: str) -> str:
    """Draw one metric over the epochs for every run that has it; empty where none has."""
    runs = [run for run in summary.configurations if run.curves.get(metric)]
    if not runs:
        return ""
    colours, leader = run_colours(summary), leader_name(summary)
    with house_style():
        figure, axes = new_figure(5.3, 3.1)
        for run in runs:
            values = run.curves[metric]
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
        longest = max(len(run.curves[metric]) for run in runs)
        axes.set_xlim(1 - 0.02 * longest, longest + 0.02 * longest + 0.1)
        if metric.endswith("_loss"):
            _loss_limits(axes, [run.curves[metric] for run in runs])
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


def importances(values: dict[str, float]) -> str:
    """Draw the searched parameters by importance, most important on top."""
    if not values:
        return ""
    names = sorted(values, key=lambda name: values[name])
    with house_style():
        figure, axes = new_figure(5.3, 0.9 + 0.27 * len(names))
        bars = axes.barh(names, [values[name] for name in names], color=SOFT, height=0.55)
        axes.bar_label(bars, fmt="%.2f", padding=4, fontsize=8, color=SOFT)
        axes.set_xlabel("importance, as a share of 1")
        axes.set_xlim(0, max(*values.values(), 1e-6) * 1.14)
        axes.grid(axis="y", visible=False)
        return as_svg(figure, "Importance of the searched parameters")


def searched_values(summary: StudySummary) -> list[str]:
    """Draw the objective over each searched parameter, a panel each, the baseline as a line."""
    runs = [
        run
        for run in summary.runs
        if run.kind == "search" and run.value(summary.objective) is not None
    ]
    if len(runs) < 2:
        return []
    names = [name for name in summary.space if any(name in run.changes for run in runs)]
    values = [run.value(summary.objective) or 0.0 for run in runs]
    base = summary.baseline.value(summary.objective) if summary.baseline else None
    ends = [*values, base] if base is not None else values
    pad = 0.08 * (max(ends) - min(ends)) or 0.01
    panels = []
    for name in names:
        with house_style():
            figure, axes = new_figure(2.9, 2.2)
            _searched_panel(axes, summary, name, [run for run in runs if name in run.changes])
            if base is not None:
                axes.axhline(base, color=INK, lw=1.2, ls=(0, (4, 2)))
            axes.set_ylim(min(ends) - pad, max(ends) + pad)
            axes.set_title(name)
            panels.append(as_svg(figure, f"{metric_name(summary.objective)} over {name}"))
    return panels


def _searched_panel(axes: Axes, summary: StudySummary, name: str, runs: list[RunSummary]) -> None:
    axis = summary.space[name] if isinstance(summary.space[name], dict) else {}
    choices = [str(choice) for choice in axis.get("choices", ())]
    for run in runs:
        value = run.changes[name]
        best, pruned = run.name == leader_name(summary), run.outcome == "pruned"
        axes.plot(
            choices.index(str(value)) if str(value) in choices else value,
            run.value(summary.objective) or 0.0,
            "x" if pruned else "o",
            color=BLUE if best else "#93a0ad" if pruned else SOFT,
            ms=8 if best else 5,
            zorder=4 if best else 3,
        )
    if choices:
        axes.set_xticks(range(len(choices)), choices)
        axes.set_xlim(-0.6, len(choices) - 0.4)
    elif axis.get("log"):
        axes.set_xscale("log")
        if axis.get("low") and axis.get("high"):
            low, high = float(axis["low"]), float(axis["high"])
            axes.set_xticks([low, (low * high) ** 0.5, high])
            axes.xaxis.set_major_formatter("{x:.2g}")
            axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4))


def cost(summary: StudySummary) -> str:
    """Draw each run's training time, the longest on top; at most `MOST_ROWS` of them.

    Trainings on fresh seeds are one bar for each configuration.
    """
    bars = _timed(summary)[-MOST_ROWS:]
    if not bars:
        return ""
    hours = bars[-1][1] > 5400
    times = [seconds / (3600 if hours else 60) for _, seconds, _ in bars]
    with house_style():
        figure, axes = new_figure(6.4, 0.9 + 0.22 * len(bars))
        tints = [tint for _, _, tint in bars]
        drawn = axes.barh([name for name, _, _ in bars], times, color=tints, height=0.6)
        axes.bar_label(drawn, fmt="%.1f", padding=4, fontsize=8, color=SOFT)
        seeds = ", blue: fresh seeds" if BLUE in tints else ""
        unit = "hours" if hours else "minutes"
        axes.set_xlabel(f"training {unit} (light: pruned, red: failed{seeds})")
        axes.set_xlim(0, max(times) * 1.1)
        axes.set_ylim(-0.7, len(bars) - 0.3)
        axes.grid(axis="y", visible=False)
        return as_svg(figure, "Training time of each run")


def cost_left_out(summary: StudySummary) -> int:
    """Return how many of the shortest bars `cost` does not draw."""
    return max(0, len(_timed(summary)) - MOST_ROWS)


def _timed(summary: StudySummary) -> list[tuple[str, float, str]]:
    """Return (name, seconds, colour), shortest first."""
    bars = [
        (run.name, run.train_seconds, {"pruned": GREY, "failed": ORANGE}.get(run.outcome, SOFT))
        for run in summary.configurations
    ]
    again: dict[str, list[float]] = defaultdict(list)
    for run in summary.runs:
        if run.kind == "confirm":
            again[run.name.rpartition("-seed-")[0]].append(run.train_seconds)
    bars += [(f"{arm}, {len(s)} on fresh seeds", sum(s), BLUE) for arm, s in again.items()]
    return sorted((bar for bar in bars if bar[1] > 0), key=lambda bar: bar[1])
