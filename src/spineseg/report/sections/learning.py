"""How the runs learned: the objective and the losses over the epochs."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from spineseg.evidence.results import RunSummary, StudySummary
from spineseg.report.chosen_runs import leader_name
from spineseg.report.curves import train_curve, valid_curve
from spineseg.report.drawing import (
    BLUE,
    DASHES,
    GREY,
    INK,
    SOFT,
    VARIANT_COLOURS,
    WIDTH_IN,
    Stroke,
    as_svg,
    house_style,
    new_figure,
    span,
)
from spineseg.report.html import svgs
from spineseg.report.wording import count, label, run_words

LOSSES = (
    (valid_curve("cls_loss"), "class loss, validation"),
    (train_curve("seg_loss"), "mask loss, training"),
    (valid_curve("seg_loss"), "mask loss, validation"),
)
_MANY_EPOCHS = 20
SEARCHED = Stroke(GREY, 0.9)
_LAST_MARK = {"pruned": "x", "failed": "v"}


class Key(NamedTuple):
    """One entry of the legend: a line, or the mark at a line's end."""

    name: str
    stroke: Stroke
    mark: str = ""


def content(summary: StudySummary) -> dict[str, Any] | None:
    """Return what the template needs; None where no run has a curve."""
    goal = (valid_curve(summary.objective), f"{label(summary.objective)}, validation")
    drawn = svgs([learning_curves(summary, *curve) for curve in (goal, *LOSSES)])
    return {"legend": legend(summary), "curves": drawn} if drawn else None


def run_strokes(summary: StudySummary) -> dict[str, Stroke]:
    """Return how each run is drawn.

    The baseline thick and black, the leader thick and blue with diamonds, searched runs thin and
    grey; variants each by a colour, by their dashes and, from the fifth on, by marks.
    """
    leader = leader_name(summary)
    variants = [
        run.name for run in summary.standing if run.kind == "variant" and run.name != leader
    ]
    strokes = {run.name: SEARCHED for run in summary.runs}
    for place, name in enumerate(variants):
        colour = VARIANT_COLOURS[place % len(VARIANT_COLOURS)]
        dashes, marker = DASHES[place % len(DASHES)], ("", "o", "s")[place // len(DASHES) % 3]
        strokes[name] = Stroke(colour, 1.4, dashes, marker)
    if leader:
        strokes[leader] = Stroke(BLUE, 2.2, marker="D")
    return strokes | {"baseline": Stroke(INK, 2.6)}


def legend(summary: StudySummary) -> list[Key]:
    """Return a key for every kind of line that the learning curves show."""
    strokes, leader = run_strokes(summary), leader_name(summary)
    drawn = [run for run in summary.configurations if any(run.curves.values())]
    named = [run for run in drawn if run.kind != "search" or run.name == leader]
    named.sort(key=lambda run: (run.kind != "baseline", run.name != leader))
    mark = " (best)" if leader == summary.best else " (leading)"
    keys = [Key(r.name + (mark if r.name == leader else ""), strokes[r.name]) for r in named]
    rest = sum(run.kind == "search" and run.name != leader for run in drawn)
    keys += [Key(f"searched ({rest})", SEARCHED)] if rest else []
    ends = {run.outcome for run in drawn}
    keys += [Key("pruned", Stroke(SOFT), "×")] if "pruned" in ends else []
    return keys + ([Key("failed", Stroke(SOFT), "▼")] if "failed" in ends else [])


def learning_curves(summary: StudySummary, curve: str, title: str) -> str:
    """Draw one curve over the epochs for every run that has it; empty where none has."""
    runs = [run for run in summary.configurations if run.curves.get(curve)]
    if not runs:
        return ""
    strokes, leader = run_strokes(summary), leader_name(summary)
    with house_style():
        figure, axes = new_figure(WIDTH_IN, 2.9)
        searched = [run.curves[curve] for run in runs if strokes[run.name] == SEARCHED]
        points = [values for values in searched if len(values) == 1]
        for alike in (points, [values for values in searched if len(values) > 1]):
            if alike:
                axes.plot(*_in_one(alike), zorder=3, **SEARCHED.drawn(len(alike[0])))
        for run in runs:
            if strokes[run.name] != SEARCHED:
                values = run.curves[curve]
                top = 3 if run.name == "baseline" else 2 if run.name == leader else 0
                style = strokes[run.name].drawn(len(values))
                layer = 3 + top + (run.kind == "variant")
                axes.plot(range(1, len(values) + 1), values, zorder=layer, **style)
        for outcome, mark in _LAST_MARK.items():
            ended = [run.curves[curve] for run in runs if run.outcome == outcome]
            places, values = list(map(len, ended)), [values[-1] for values in ended]
            axes.plot(places, values, mark, color=SOFT, ms=5, zorder=9)
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, steps=[1, 2, 5, 10]))
        longest = max(len(run.curves[curve]) for run in runs)
        axes.set_xlim(max(0.5, 1 - 0.02 * longest), longest + 0.02 * longest + 0.1)
        if curve.endswith("_loss"):
            _loss_limits(axes, [run.curves[curve] for run in runs])
        else:
            axes.set_ylim(0, max(axes.get_ylim()[1], 0.01))
        return as_svg(figure, f"{title} over the epochs", _says(summary, runs, curve))


def _in_one(curves: list[list[float]]) -> tuple[list[float], list[float]]:
    """Return one line, (epochs, values), of several with gaps between: hundreds take seconds."""
    epochs = [e for values in curves for e in (*range(1, len(values) + 1), math.nan)]
    return epochs[:-1], [v for values in curves for v in (*values, math.nan)][:-1]


def _says(summary: StudySummary, runs: list[RunSummary], curve: str) -> str:
    """Return where the curves begin and end: of the baseline, of the leader, of all."""
    longest = max(len(run.curves[curve]) for run in runs)
    leader = leader_name(summary)
    text = [f"{count(len(runs), 'curve')}, of up to {count(longest, 'epoch')}"]
    for run in runs:
        if run.name in ("baseline", leader):
            first, last = map(_written, (run.curves[curve][0], run.curves[curve][-1]))
            text.append(f"{run_words(run.name)} goes from {first} to {last}")
    ends = [run.curves[curve][-1] for run in runs if run.outcome == "completed"]
    ends = [end for end in ends if math.isfinite(end)]
    if len(ends) > 1:
        text.append(f"completed runs end between {min(ends):.3f} and {max(ends):.3f}")
    return "; ".join(text) + "."


def _written(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "no number"


def _loss_limits(axes: Axes, curves: list[list[float]]) -> None:
    """Show where the losses end: of many epochs, the first, far above the others, are cut off."""
    finite = np.concatenate([np.array(curve, float) for curve in curves])
    finite = finite[np.isfinite(finite)]
    if finite.size:
        most = 97 if max(map(len, curves)) > _MANY_EPOCHS else 100
        low, high = float(finite.min()), float(np.percentile(finite, most))
        axes.set_ylim(span((low, high), least=max(0.05 * abs(high), 0.005)))
