"""Which parameters mattered: how the search ended, importances, values tried, what there was."""

from __future__ import annotations

from itertools import product
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

from spineseg.evidence.results import RunSummary, StudySummary
from spineseg.report.chosen_runs import challenger, leader_name
from spineseg.report.drawing import (
    BLUE,
    GREY,
    INK,
    SMALL_PT,
    SOFT,
    WIDTH_IN,
    as_svg,
    house_style,
    new_figure,
    span,
)
from spineseg.report.html import svgs
from spineseg.report.pruning import pruning_lines
from spineseg.report.wording import count, label, listed

_MOST_LETTERS = 20  # Of all choices together, so that they stand beside each other.


def content(summary: StudySummary) -> dict[str, Any] | None:
    """Return what the template needs; None where the study has no search."""
    ends, space = ends_text(summary), space_lines(summary)
    if not ends and not space:
        return None
    return {
        "ends": ends,
        "space": space,
        "pruning": pruning_lines(summary),
        "importances": Markup(importances(summary.importances)),
        "reason": summary.importances_reason,
        "searched": svgs(searched_values(summary)),
        "challenger": challenger(summary),
        "baseline_drawn": _baseline_value(summary) is not None,
    }


def ends_text(summary: StudySummary) -> str:
    """Return how the searched runs ended; empty where the study has no search."""
    runs = [run for run in summary.standing if run.kind == "search"]
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


def _axis_text(axis: dict[str, Any]) -> str:
    if "choices" in axis:
        return " or ".join(_choice_text(choice) for choice in axis["choices"])
    kind = ", log" if axis.get("log") else ", whole numbers" if axis.get("integer") else ""
    return f"{axis['low']:g} to {axis['high']:g}{kind}"


def _choice_text(choice: Any) -> str:
    return f"{choice:g}" if isinstance(choice, float) else str(choice)


def importances(values: dict[str, float]) -> str:
    """Draw the searched parameters by importance, most important on top."""
    if not values:
        return ""
    names = sorted(values, key=lambda name: values[name])
    with house_style():
        figure, axes = new_figure(WIDTH_IN, 0.9 + 0.27 * len(names))
        bars = axes.barh(names, [values[name] for name in names], color=SOFT, height=0.55)
        axes.bar_label(bars, fmt="%.2f", padding=4, fontsize=SMALL_PT, color=SOFT)
        axes.set_xlabel("importance, as a share of 1")
        axes.set_xlim(0, max(*values.values(), 1e-6) * 1.14)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
        axes.grid(axis="y", visible=False)
        says = listed([f"{name} {values[name]:.2f}" for name in reversed(names)])
        return as_svg(figure, "Importance of the searched parameters", f"As shares of 1: {says}.")


def searched_values(summary: StudySummary) -> list[str]:
    """Draw the objective over each searched parameter, a panel each, the baseline as a line.

    A panel is as wide as what could be chosen, whatever was drawn.
    """
    runs = [
        run
        for run in summary.runs
        if run.kind == "search" and run.value(summary.objective) is not None
    ]
    if len(runs) < 2:
        return []
    names = [name for name in summary.space if any(name in run.changes for run in runs)]
    values = [_value(run, summary) for run in runs]
    base = _baseline_value(summary)
    ends = [*values, base] if base is not None else values
    panels = []
    for name in names:
        with house_style():
            figure, axes = new_figure(2.9, 2.3)
            shown = _panel(axes, summary, name, [run for run in runs if name in run.changes])
            if base is not None:
                axes.axhline(base, color=INK, lw=1.2, ls=(0, (4, 2)))
            axes.set_ylim(span(ends, least=0.01))
            axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
            axes.set_title(name)
            title = f"{label(summary.objective)} over {name}"
            panels.append(as_svg(figure, title, _says(summary, name, shown)))
    return panels


def _baseline_value(summary: StudySummary) -> float | None:
    return summary.baseline.value(summary.objective) if summary.baseline else None


def _value(run: RunSummary, summary: StudySummary) -> float:
    return run.value(summary.objective) or 0.0


def _says(summary: StudySummary, name: str, runs: list[RunSummary]) -> str:
    """Return what a panel shows: what could be chosen, how many runs, the best, the baseline."""
    best = max(runs, key=lambda run: _value(run, summary))
    base = _baseline_value(summary)
    text = (
        f"Could be chosen: {_axis_text(summary.space[name])}. {count(len(runs), 'searched run')}, "
        f"the highest, {best.name}, {_value(best, summary):.3f} at "
        f"{_choice_text(best.changes[name])}"
    )
    return text + ("." if base is None else f"; the baseline has {base:.3f}.")


def _panel(
    axes: Axes, summary: StudySummary, name: str, runs: list[RunSummary]
) -> list[RunSummary]:
    """Draw the runs over one parameter, and return those that were drawn.

    A value that is of another kind than the parameter, as after its space was changed, is not.
    """
    axis = summary.space[name]
    choices = [_choice_text(choice) for choice in axis.get("choices", ())]
    if choices:
        choices += sorted({_choice_text(run.changes[name]) for run in runs} - set(choices))
        places = {run.name: choices.index(_choice_text(run.changes[name])) for run in runs}
    else:
        runs = [run for run in runs if isinstance(run.changes[name], int | float)]
        places = {run.name: run.changes[name] for run in runs}
    leader = leader_name(summary)
    for best, pruned in product((False, True), repeat=2):
        alike = [r for r in runs if (r.name == leader, r.outcome == "pruned") == (best, pruned)]
        axes.plot(
            [places[run.name] for run in alike],
            [_value(run, summary) for run in alike],
            "x" if pruned else "o",
            color=BLUE if best else GREY if pruned else SOFT,
            ms=8 if best else 5,
            zorder=4 if best else 3,
        )
    if choices:
        crowded = sum(map(len, choices)) > _MOST_LETTERS
        turned: dict[str, Any] = {"rotation": 30, "ha": "right"} if crowded else {}
        axes.set_xticks(range(len(choices)), choices, **turned)
        axes.set_xlim(-0.6, len(choices) - 0.4)
    else:
        _range_axis(axes, axis, list(places.values()))
    return runs


def _range_axis(axes: Axes, axis: dict[str, Any], drawn: list[float]) -> None:
    """Show the whole range that was searched; and what lies outside, as after a change of it."""
    low, high = float(axis["low"]), float(axis["high"])
    least, most = min(low, *drawn, low), max(high, *drawn, high)
    if axis.get("log"):
        axes.set_xscale("log")
        room, middle = (most / least) ** 0.04, (low * high) ** 0.5
        axes.set_xlim(least / room, most * room)
    else:
        room, middle = 0.04 * (most - least) or 1.0, (low + high) / 2
        axes.set_xlim(least - room, most + room)
    middle = round(middle) if axis.get("integer") else float(f"{middle:.2g}")
    ticks = sorted({low, high} | ({middle} if low < middle < high else set()))
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
