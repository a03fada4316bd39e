"""The study's report: one HTML file that needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from markupsafe import Markup

from ..evaluation.result import Evaluation
from . import account, anatomy, figures, wording
from .html import jpeg_uri, read_film, write_html
from .mistakes import draw_errors
from .model import Comparison, StudySummary
from .overlay import MARGIN_COLOUR, draw_overlay
from .table import CLEAR_DIFFERENCE, COLUMNS, leaderboard, signed, signed_points

_CURVES = (
    ("val/cls_loss", "class loss, validation"),
    ("train/seg_loss", "mask loss, training"),
    ("val/seg_loss", "mask loss, validation"),
)


def write_page(summary: StudySummary, comparisons: Sequence[Comparison], path: Path) -> None:
    """Write the report to `path`, whole or not at all.

    Raises DataError for a compared film that is missing or no image, OSError where `path` cannot
    be written.
    """
    write_html("study.html.j2", _content(summary, comparisons), path)


def _content(summary: StudySummary, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    baseline, best = summary.baseline, summary.best_run
    challenger = best if best and best.kind != "baseline" and best.evaluation else None
    evaluations = _evaluations(summary)
    goal = wording.metric_name(summary.objective)
    curves = [(f"val/{summary.objective}", f"{goal}, validation"), *_CURVES]
    return {
        "summary": summary,
        "goal": goal,
        "answer": wording.answer(summary),
        "cautions": wording.cautions(summary),
        "tiles": _tiles(summary, evaluations),
        "columns": COLUMNS,
        "rows": leaderboard(summary),
        "objective": summary.objective,
        "remarks": account.remarks(summary),
        "effects": Markup(figures.effects(summary)),
        "effects_left_out": figures.effects_left_out(summary),
        "hypotheses": wording.hypotheses(summary),
        "clear": CLEAR_DIFFERENCE,
        "legend": figures.legend(summary),
        "curves": _svgs([figures.learning_curves(summary, *curve) for curve in curves]),
        "numbering": wording.numbering(evaluations) if evaluations else [],
        "gained": wording.levels_gained(*evaluations.values()) if len(evaluations) == 2 else "",
        "evaluations": evaluations,
        "spine": Markup(anatomy.spine(evaluations)) if evaluations else "",
        "confusions": _svgs([anatomy.confusion(*pair) for pair in evaluations.items()]),
        "confidence": _svgs(anatomy.confidence_curves(evaluations)),
        "search": account.search_text(summary),
        "space": account.space_lines(summary),
        "importances": Markup(figures.importances(summary.importances)),
        "searched": _svgs(figures.searched_values(summary)),
        "pictures": [_side_by_side(c, challenger is not None) for c in comparisons],
        "challenger": challenger.name if challenger else None,
        "cost": Markup(figures.cost(summary)),
        "cost_left_out": figures.cost_left_out(summary),
        "cost_text": account.cost_text(summary),
        "unfinished": account.unfinished(summary),
        "facts": [(k.replace("_", " "), account.fact_text(v)) for k, v in summary.data.items()],
        "config": summary.config_path or "STUDY.yaml",
        "baseline_done": bool(baseline and baseline.outcome == "completed"),
    }


def _evaluations(summary: StudySummary) -> dict[str, Evaluation]:
    """Return the evaluations to look into: the baseline's, and the best run's beside it."""
    runs = [summary.baseline, summary.best_run]
    return {
        run.name: run.evaluation
        for run in runs
        if run is not None and run.evaluation is not None and run.outcome == "completed"
    }


def _tiles(summary: StudySummary, evaluations: dict[str, Evaluation]) -> list[tuple[str, str, str]]:
    """Return (what, figure, difference to the baseline) of the best run, else of the baseline."""
    if not evaluations:
        return []
    base = evaluations.get("baseline")
    name, last = list(evaluations.items())[-1]
    against = base if name != "baseline" else None
    tiles = []
    for metric in dict.fromkeys((summary.objective, "mask_map50", "box_map50")):
        value = float(getattr(last, metric))
        delta = signed(value - float(getattr(against, metric))) if against else ""
        tiles.append((wording.metric_name(metric), f"{value:.3f}", delta))
    points = last.right_level_rate - against.right_level_rate if against else 0.0
    delta = f"{signed_points(points)} points" if against else ""
    tiles.append(("right level", f"{last.right_level_rate:.1%}", delta))
    tiles.append(("found", f"{last.found_rate:.1%}", ""))
    return tiles


def _svgs(drawn: Sequence[str]) -> list[Markup]:
    """Return the figures that have something to show; matplotlib has escaped their text."""
    return [Markup(svg) for svg in drawn if svg]


def _side_by_side(comparison: Comparison, with_best: bool) -> dict[str, Any]:
    image = read_film(comparison.film)
    baseline, baseline_mistakes = draw_errors(image, comparison.truth, comparison.baseline)
    columns = [
        ("labels", "", draw_overlay(image, comparison.truth)),
        ("baseline", baseline_mistakes.text(), baseline),
    ]
    if with_best:
        best, best_mistakes = draw_errors(image, comparison.truth, comparison.best)
        columns.append(("best", best_mistakes.text(), best))
    width = max(drawn.shape[1] for _, _, drawn in columns)
    return {
        "name": comparison.film.name,
        "columns": [
            (who, caption, jpeg_uri(_widened(drawn, width))) for who, caption, drawn in columns
        ],
    }


def _widened(image: np.ndarray, width: int) -> np.ndarray:
    """Return the picture with a dark margin to the right, so that all of a film are of one size."""
    return cv2.copyMakeBorder(
        image, 0, 0, 0, width - image.shape[1], cv2.BORDER_CONSTANT, value=MARGIN_COLOUR
    )
