"""The study's report: one HTML file that needs no network."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import jinja2
import numpy as np
from markupsafe import Markup

from ..errors import DataError
from ..evaluation.result import Evaluation
from . import account, anatomy, figures, wording
from .mistakes import draw_errors
from .model import Comparison, StudySummary
from .overlay import MARGIN_COLOUR, draw_overlay
from .table import CLEAR_DIFFERENCE, COLUMNS, leaderboard, signed, signed_points

_JPEG_QUALITY = 80
_PICTURE_PX = (640, 900)  # widest, tallest
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
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    source = files("spineseg.report") / "templates" / "study.html.j2"
    template = environment.from_string(source.read_text(encoding="utf-8"))
    html = template.render(_content(summary, comparisons))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(html, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


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
    image = _read(comparison.film)
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
            (who, caption, _jpeg(_widened(drawn, width))) for who, caption, drawn in columns
        ],
    }


def _widened(image: np.ndarray, width: int) -> np.ndarray:
    """Return the picture with a dark margin to the right, so that all of a film are of one size."""
    return cv2.copyMakeBorder(
        image, 0, 0, 0, width - image.shape[1], cv2.BORDER_CONSTANT, value=MARGIN_COLOUR
    )


def _read(path: Path) -> np.ndarray:
    """Return a film, (height, width, 3) uint8 RGB, reduced to what the page shows."""
    data = np.fromfile(path, np.uint8) if path.is_file() else np.zeros(0, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if image is None:
        raise DataError(f"{path} is no readable image, so the report cannot show it")
    factor = min(1.0, _PICTURE_PX[0] / image.shape[1], _PICTURE_PX[1] / image.shape[0])
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2RGB)


def _jpeg(image: np.ndarray) -> str:
    """Return a picture as a data URI."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
