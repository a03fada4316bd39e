"""The report's figures of runs: learning, effects, importances, searched values, cost."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

from .drawing import (
    BLUE,
    FAINT,
    GREY,
    INK,
    ORANGE,
    SOFT,
    VARIANT_COLOURS,
    as_svg,
    house_style,
    new_figure,
)
from .model import RunSummary, StudySummary
from .table import CLEAR_DIFFERENCE
from .wording import metric_name

MOST_ROWS = 24
_LAST_MARK = {"pruned": "x", "failed": "v"}


def run_colours(summary: StudySummary) -> dict[str, str]:
    """Return run -> colour: baseline black, best blue, variants one each, searched runs grey."""
    variants = [run.name for run in summary.runs if run.kind == "variant"]
    colours = {run.name: GREY for run in summary.runs}
    for place, name in enumerate(name for name in variants if name != summary.best):
        colours[name] = VARIANT_COLOURS[place % len(VARIANT_COLOURS)]
    if summary.best:
        colours[summary.best] = BLUE
    return colours | {"baseline": INK}


def legend(summary: StudySummary) -> list[tuple[str, str, str]]:
    """Return (colour, name, line class) for every kind of line that the learning curves show."""
    colours = run_colours(summary)
    drawn = [run for run in summary.runs if any(run.curves.values())]
    named = [run for run in drawn if run.kind != "search" or run.name == summary.best]
    named.sort(key=lambda run: (run.kind != "baseline", run.name != summary.best))
    lines = [
        (
            colours[run.name],
            run.name + (" (best)" if run.name == summary.best else ""),
            "thick" if run.name in ("baseline", summary.best) else "line",
        )
        for run in named
    ]
    rest = sum(run.kind == "search" and run.name != summary.best for run in drawn)
    if rest:
        lines.append((GREY, f"searched ({rest})", "thin"))
    ends = {run.outcome for run in drawn}
    lines += [(SOFT, "pruned", "mark-pruned")] if "pruned" in ends else []
    return lines + ([(SOFT, "failed", "mark-failed")] if "failed" in ends else [])


def learning_curves(summary: StudySummary, metric: str, title: str) -> str:
    """Draw one metric over the epochs for every run that has it; empty where none has."""
    runs = [run for run in summary.runs if run.curves.get(metric)]
    if not runs:
        return ""
    colours = run_colours(summary)
    with house_style():
        figure, axes = new_figure(5.3, 3.1)
        for run in runs:
            values = run.curves[metric]
            top = 3 if run.name == "baseline" else 2 if run.name == summary.best else 0
            width = {"search": 0.9, "variant": 1.4}.get(run.kind, 2.6)
            style: dict[str, Any] = {"color": colours[run.name], "zorder": 3 + top}
            style["lw"] = 2.2 if run.name == summary.best and run.kind != "baseline" else width
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
    """Show where the losses end: a first epoch far above the others is cut off."""
    finite = np.concatenate([np.array(curve, float) for curve in curves])
    finite = finite[np.isfinite(finite)]
    if finite.size:
        low, high = float(finite.min()), float(np.percentile(finite, 97))
        if high > low:
            axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))


def effects(summary: StudySummary) -> str:
    """Draw each completed run's difference to the baseline in the objective, best on top.

    One training each: a dot and no interval. More than `MOST_ROWS` searched runs: the best ones.
    """
    baseline = summary.baseline
    base = baseline.value(summary.objective) if baseline else None
    if base is None or not summary.challengers:
        return ""
    shown = _fewer(summary)
    deltas = [(run.value(summary.objective) or 0.0) - base for run in shown]
    colours = run_colours(summary)
    with house_style():
        figure, axes = new_figure(6.4, 1.0 + 0.27 * len(shown))
        places = np.arange(len(shown))
        axes.axvspan(-CLEAR_DIFFERENCE, CLEAR_DIFFERENCE, color=FAINT, zorder=0, lw=0)
        axes.axvline(0, color=INK, lw=1.4)
        tints = [SOFT if colours[run.name] == GREY else colours[run.name] for run in shown]
        axes.hlines(places, 0, deltas, color=tints, lw=1.6, alpha=0.6)
        axes.scatter(deltas, places, color=tints, s=42, zorder=3)
        for place, delta in zip(places, deltas, strict=True):
            side = 1 if delta >= 0 else -1
            axes.annotate(
                f"{delta:+.3f}".replace("-", "−"),
                (delta, place),
                (7 * side, 0),
                textcoords="offset points",
                ha="left" if delta >= 0 else "right",
                va="center",
                fontsize=8,
                color=SOFT,
            )
        axes.set_yticks(places, [run.name for run in shown])
        axes.set_ylim(-0.7, len(shown) - 0.3)
        reach = max(*map(abs, deltas), 2 * CLEAR_DIFFERENCE)
        low, high = min(*deltas, -CLEAR_DIFFERENCE), max(*deltas, CLEAR_DIFFERENCE)
        axes.set_xlim(low - 0.3 * reach, high + 0.3 * reach)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(
            f"{metric_name(summary.objective)}, difference to the baseline's {base:.3f}"
        )
        return as_svg(figure, "Difference of each run to the baseline")


def _fewer(summary: StudySummary) -> list[RunSummary]:
    """Return the runs to draw, worst first: all variants, and the best of many searched runs."""
    ranked = sorted(summary.challengers, key=lambda run: run.value(summary.objective) or 0.0)
    room = max(0, MOST_ROWS - sum(run.kind != "search" for run in ranked))
    searched = [run.name for run in ranked if run.kind == "search"]
    kept = set(searched[max(0, len(searched) - room) :])
    return [run for run in ranked if run.kind != "search" or run.name in kept]


def effects_left_out(summary: StudySummary) -> int:
    """Return how many of the lowest searched runs `effects` does not draw."""
    return len(summary.challengers) - len(_fewer(summary))


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
        best, pruned = run.name == summary.best, run.outcome == "pruned"
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
    """Draw each run's training time, the longest on top; at most `MOST_ROWS` of them."""
    runs = _timed(summary)[-MOST_ROWS:]
    if not runs:
        return ""
    hours = runs[-1].train_seconds > 5400
    times = [run.train_seconds / (3600 if hours else 60) for run in runs]
    tints = [{"pruned": GREY, "failed": ORANGE}.get(run.outcome, SOFT) for run in runs]
    with house_style():
        figure, axes = new_figure(6.4, 0.9 + 0.22 * len(runs))
        bars = axes.barh([run.name for run in runs], times, color=tints, height=0.6)
        axes.bar_label(bars, fmt="%.1f", padding=4, fontsize=8, color=SOFT)
        axes.set_xlabel(f"training {'hours' if hours else 'minutes'} (light: pruned, red: failed)")
        axes.set_xlim(0, max(times) * 1.1)
        axes.set_ylim(-0.7, len(runs) - 0.3)
        axes.grid(axis="y", visible=False)
        return as_svg(figure, "Training time of each run")


def cost_left_out(summary: StudySummary) -> int:
    """Return how many of the shortest runs `cost` does not draw."""
    return max(0, len(_timed(summary)) - MOST_ROWS)


def _timed(summary: StudySummary) -> list[RunSummary]:
    timed = (run for run in summary.runs if run.train_seconds > 0)
    return sorted(timed, key=lambda run: run.train_seconds)
