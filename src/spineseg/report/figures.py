"""The report's pictures, as SVG text: drawn by matplotlib, no global state."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import MaxNLocator, NullLocator

from ..evaluation.result import Evaluation
from ..levels import ANATOMICAL_ORDER
from .model import RunSummary, StudySummary

INK, GREY, BLUE, ORANGE = "#1c2733", "#b3bcc6", "#2166ac", "#d6604d"
_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": "#8795a3",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": "#4a5866",
    "ytick.color": "#4a5866",
    "svg.fonttype": "none",
    "svg.hashsalt": "spineseg",
    "axes.grid": True,
    "grid.color": "#e6eaee",
    "axes.axisbelow": True,
    "legend.frameon": False,
}


def _svg(figure: Figure) -> str:
    """Return the figure as an inline SVG element."""
    out = io.StringIO()
    figure.savefig(out, format="svg", bbox_inches="tight", metadata={"Date": None})
    text = out.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.S)
    # Ids are per figure; a page holds many.
    mark = f"f{abs(hash(text)) % 10**8}"
    text = re.sub(r'\bid="([^"]+)"', rf'id="{mark}-\1"', text)
    text = re.sub(r'(xlink:href|href)="#([^"]+)"', rf'\1="#{mark}-\2"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{mark}-\1)", text)
    text = re.sub(r' xmlns(:\w+)?="[^"]+"', "", text).replace("xlink:href", "href")
    width = float(re.search(r'width="([\d.]+)pt"', text)[1])  # type: ignore[index]
    head = rf'<svg style="width:{width * 1.25:.0f}px" viewBox="\1">'
    return re.sub(r'<svg[^>]*?viewBox="([^"]+)"[^>]*>', head, text, count=1)


def learning_curves(summary: StudySummary, metric: str) -> str:
    """Draw one validation metric over the epochs for every run."""
    with rc_context(_STYLE):
        figure = Figure(figsize=(9, 3.6))
        axes = figure.add_subplot()
        colours = iter(colormaps["tab10"](np.linspace(0, 0.9, 10)))
        for run in sorted(
            summary.runs, key=lambda run: ("search", "variant", "baseline").index(run.kind)
        ):
            values = run.curves.get(metric)
            if not values:
                continue
            epochs = range(1, len(values) + 1)
            style: dict[str, Any] = {"color": GREY, "lw": 1.0, "label": None}
            if run.kind == "variant":
                style = {"color": next(colours, GREY), "lw": 1.6, "label": run.name}
            elif run.kind == "baseline":
                style = {"color": INK, "lw": 2.8, "label": "baseline"}
            axes.plot(epochs, values, **style)
            if run.outcome == "pruned":
                axes.plot(epochs[-1], values[-1], "x", color="#7b8794", ms=6)
        axes.plot([], [], color=GREY, label="searched (× pruned)")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylabel(metric.removeprefix("val/"))
        axes.set_ylim(bottom=0)
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
        return _svg(figure)


def effects(summary: StudySummary) -> str:
    """Draw each completed run's difference to the baseline in the objective."""
    baseline = summary.baseline
    base = baseline.value(summary.objective) if baseline else None
    if base is None:
        return ""
    runs = [
        r
        for r in summary.runs
        if r.outcome == "completed" and r.kind != "baseline" and r.evaluation
    ]
    if not runs:
        return ""
    deltas = {run.name: (run.value(summary.objective) or 0) - base for run in runs}
    names = sorted(deltas, key=lambda name: deltas[name])
    with rc_context(_STYLE):
        figure = Figure(figsize=(8, 0.8 + 0.3 * len(names)))
        axes = figure.add_subplot()
        values = [deltas[name] for name in names]
        axes.hlines(names, 0, values, color=GREY, lw=2)
        axes.scatter(
            values, names, color=[BLUE if v >= 0 else ORANGE for v in values], s=46, zorder=3
        )
        axes.axvline(0, color=INK, lw=1.2)
        axes.set_xlabel(f"difference to the baseline's {summary.objective} ({base:.3f})")
        axes.margins(x=0.1)
        return _svg(figure)


def importances(values: dict[str, float]) -> str:
    """Draw the searched parameters by importance."""
    if not values:
        return ""
    names = sorted(values, key=lambda name: values[name])
    with rc_context(_STYLE):
        figure = Figure(figsize=(6.5, 0.7 + 0.28 * len(names)))
        axes = figure.add_subplot()
        axes.barh(names, [values[name] for name in names], color=BLUE, height=0.62)
        axes.set_xlabel("importance (PED-ANOVA, shares of 1)")
        axes.set_xlim(left=0)
        return _svg(figure)


def searched_values(summary: StudySummary) -> str:
    """Draw the objective over each searched number."""
    runs = [run for run in summary.runs if run.evaluation and run.kind == "search"]
    numbers = [
        name
        for name, axis in summary.space.items()
        if "choices" not in axis and any(name in run.changes for run in runs)
    ]
    if len(runs) < 2 or not numbers:
        return ""
    columns = min(4, len(numbers))
    rows = -(-len(numbers) // columns)
    with rc_context(_STYLE):
        figure = Figure(figsize=(2.5 * columns, 2.1 * rows))
        for i, name in enumerate(numbers):
            axes = figure.add_subplot(rows, columns, i + 1)
            for outcome, marker, colour in (("completed", "o", BLUE), ("pruned", "x", "#7b8794")):
                chosen = [r for r in runs if r.outcome == outcome and name in r.changes]
                axes.scatter(
                    [r.changes[name] for r in chosen],
                    [r.value(summary.objective) or 0.0 for r in chosen],
                    marker=marker,
                    color=colour,
                    s=24,
                )
            if summary.space[name].get("log"):
                low, high = summary.space[name]["low"], summary.space[name]["high"]
                axes.set_xscale("log")
                axes.set_xticks([low, (low * high) ** 0.5, high])
                axes.xaxis.set_major_formatter("{x:.2g}")
                axes.xaxis.set_minor_locator(NullLocator())
            axes.set_xlabel(name)
            if i % columns == 0:
                axes.set_ylabel(summary.objective)
        figure.tight_layout()
        return _svg(figure)


def spine(evaluations: dict[str, Evaluation]) -> str:
    """Draw a column per evaluation, each level coloured by its share of rightly numbered bodies."""
    shades = colormaps["RdYlGn"]
    with rc_context(_STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(2.6 * len(evaluations) + 0.6, 7.2))
        for place, (title, evaluation) in enumerate(evaluations.items()):
            axes = figure.add_subplot(1, len(evaluations), place + 1)
            for rank, level in enumerate(ANATOMICAL_ORDER):
                width, y = 0.34 + 0.026 * rank, -float(rank)
                score = evaluation.levels.get(level)
                share = score.right / score.instances if score and score.instances else None
                face = "#eef1f4" if share is None else shades(0.08 + 0.84 * share)
                axes.add_patch(
                    FancyBboxPatch(
                        (-width / 2, y - 0.34),
                        width,
                        0.68,
                        facecolor=face,
                        boxstyle="round,pad=0,rounding_size=0.12",
                        edgecolor="#6b7885",
                        lw=0.8,
                    )
                )
                axes.text(-0.62, y, level, ha="right", va="center")
                axes.text(0.62, y, "–" if share is None else f"{share:.0%}", ha="left", va="center")
            axes.set_xlim(-1.05, 1.15)
            axes.set_ylim(-len(ANATOMICAL_ORDER) + 0.3, 1.0)
            axes.set_title(title, fontsize=10, fontweight="bold")
            axes.axis("off")
        return _svg(figure)


def confidence_curves(evaluations: dict[str, Evaluation]) -> str:
    """Draw mask F1, precision and recall over the confidence threshold."""
    with rc_context(_STYLE):
        figure = Figure(figsize=(9.5, 2.9))
        for place, kind in enumerate(("mask_f1", "mask_precision", "mask_recall")):
            axes = figure.add_subplot(1, 3, place + 1)
            for (title, evaluation), tint in zip(evaluations.items(), (INK, BLUE), strict=False):
                curve = evaluation.f1_curve
                axes.plot(curve["confidence"], curve[kind], color=tint, lw=1.8, label=title)
            axes.set_xlabel("confidence")
            axes.set_title(kind.replace("mask_", "").replace("f1", "F1"), fontsize=9)
            axes.set_xlim(0, 1)
            axes.set_ylim(0, 1.02)
        axes.legend(loc="lower left")
        figure.tight_layout()
        return _svg(figure)


def confusion(evaluations: dict[str, Evaluation]) -> str:
    """Draw confusion matrices in anatomical order; one step off the diagonal is one level off."""
    with rc_context(_STYLE | {"axes.grid": False, "font.size": 7}):
        figure = Figure(figsize=(5.0 * len(evaluations), 4.9))
        for place, (title, evaluation) in enumerate(evaluations.items()):
            _matrix(figure.add_subplot(1, len(evaluations), place + 1), title, evaluation)
        figure.tight_layout()
        return _svg(figure)


def _matrix(axes: Axes, title: str, evaluation: Evaluation) -> None:
    levels = [
        lv
        for lv in ANATOMICAL_ORDER
        if lv in evaluation.confusion or any(lv in row for row in evaluation.confusion.values())
    ]
    rows, columns = [*levels, "background"], [*levels, "missed"]
    counts = np.array(
        [[evaluation.confusion.get(t, {}).get(p, 0) for p in columns] for t in rows], float
    )
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.pcolormesh(share[::-1], cmap="Blues", vmin=0, vmax=1, edgecolors="#eef1f4", linewidth=0.4)
    for i, row in enumerate(counts[::-1]):
        for j, count in enumerate(row):
            if count:
                dark = share[::-1][i, j] > 0.55
                axes.text(
                    j + 0.5,
                    i + 0.5,
                    f"{count:.0f}",
                    ha="center",
                    va="center",
                    fontsize=5.5,
                    color="white" if dark else INK,
                )
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=90)
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows[::-1])
    axes.set_aspect("equal")
    axes.set_xlabel("found as")
    axes.set_ylabel("true level")
    axes.set_title(title, fontsize=9, fontweight="bold")


def cost(runs: list[RunSummary]) -> str:
    """Draw each run's training time."""
    if not runs:
        return ""
    with rc_context(_STYLE):
        figure = Figure(figsize=(8, 0.7 + 0.24 * len(runs)))
        axes = figure.add_subplot()
        names = [run.name for run in runs][::-1]
        minutes = [run.train_seconds / 60 for run in runs][::-1]
        tints = [{"pruned": GREY, "failed": ORANGE}.get(run.outcome, BLUE) for run in runs][::-1]
        axes.barh(names, minutes, color=tints, height=0.62)
        axes.set_xlabel("training minutes (grey: pruned, red: failed)")
        return _svg(figure)
