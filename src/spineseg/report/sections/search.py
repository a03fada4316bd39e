"""Which parameters mattered: how the search ended, importances, values tried, what there was."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

from spineseg.evidence.results import RunSummary, StudySummary
from spineseg.report.chosen_runs import challenger, leader_name
from spineseg.report.drawing import BLUE, INK, SOFT, as_svg, house_style, new_figure
from spineseg.report.html import svgs
from spineseg.report.wording import count, label


def content(summary: StudySummary) -> dict[str, Any] | None:
    """Return what the template needs; None where the study has no search."""
    ends, space = ends_text(summary), space_lines(summary)
    if not ends and not space:
        return None
    return {
        "ends": ends,
        "space": space,
        "importances": Markup(importances(summary.importances)),
        "reason": summary.importances_reason,
        "searched": svgs(searched_values(summary)),
        "challenger": challenger(summary),
        "baseline_drawn": _baseline_value(summary) is not None,
    }


def ends_text(summary: StudySummary) -> str:
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


def _axis_text(axis: dict[str, Any]) -> str:
    if "choices" in axis:
        return " or ".join(str(choice) for choice in axis["choices"])
    kind = ", log" if axis.get("log") else ", whole numbers" if axis.get("integer") else ""
    return f"{axis['low']:g} to {axis['high']:g}{kind}"


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
    base = _baseline_value(summary)
    ends = [*values, base] if base is not None else values
    pad = 0.08 * (max(ends) - min(ends)) or 0.01
    panels = []
    for name in names:
        with house_style():
            figure, axes = new_figure(2.9, 2.2)
            _panel(axes, summary, name, [run for run in runs if name in run.changes])
            if base is not None:
                axes.axhline(base, color=INK, lw=1.2, ls=(0, (4, 2)))
            axes.set_ylim(min(ends) - pad, max(ends) + pad)
            axes.set_title(name)
            panels.append(as_svg(figure, f"{label(summary.objective)} over {name}"))
    return panels


def _baseline_value(summary: StudySummary) -> float | None:
    return summary.baseline.value(summary.objective) if summary.baseline else None


def _panel(axes: Axes, summary: StudySummary, name: str, runs: list[RunSummary]) -> None:
    axis = summary.space[name]
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
        low, high = float(axis["low"]), float(axis["high"])
        axes.set_xscale("log")
        axes.set_xticks([low, (low * high) ** 0.5, high])
        axes.xaxis.set_major_formatter("{x:.2g}")
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
