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

from . import figures, wording
from .model import Comparison, StudySummary
from .overlay import draw_errors, draw_overlay
from .table import HEADS, leaderboard

_JPEG_QUALITY = 84


def write_page(summary: StudySummary, comparisons: Sequence[Comparison], path: Path) -> None:
    """Write the report to `path`, whole or not at all."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    source = files("spineseg.report") / "templates" / "report.html.j2"
    html = environment.from_string(source.read_text()).render(_content(summary, comparisons))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(html)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _content(summary: StudySummary, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    rows = leaderboard(summary)
    baseline, best = summary.baseline, summary.best_run
    evaluations = {}
    if baseline and baseline.evaluation:
        evaluations["baseline"] = baseline.evaluation
    if evaluations and best and best.evaluation and best.kind != "baseline":
        evaluations[best.name] = best.evaluation
    return {
        "summary": summary,
        "headline": wording.headline(summary),
        "caution": wording.caution(summary),
        "numbering": wording.numbering(*evaluations.values()) if evaluations else None,
        "heads": HEADS,
        "rows": [(row, row.cells()) for row in rows],
        "hypotheses": wording.hypotheses(summary),
        "curves": _svg(figures.learning_curves(summary, f"val/{summary.objective}")),
        "effects": _svg(figures.effects(summary)),
        "spine": _svg(figures.spine(evaluations)) if evaluations else None,
        "confidence": _svg(figures.confidence_curves(evaluations)) if evaluations else None,
        "confusion": _svg(figures.confusion(evaluations)) if evaluations else None,
        "importances": _svg(figures.importances(summary.importances)),
        "searched": _svg(figures.searched_values(summary)),
        "cost": _svg(figures.cost(summary.runs)),
        "cost_text": wording.cost_text(summary),
        "pictures": [_side_by_side(comparison) for comparison in comparisons],
        "best_name": best.name if best and best.kind != "baseline" else None,
        "unfinished": [run for run in summary.runs if run.outcome in ("failed", "pruned")],
        "changes_text": wording.changes_text,
    }


def _svg(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text) if text else None  # Drawn by us; labels were escaped by matplotlib.


def _side_by_side(comparison: Comparison) -> dict[str, Any]:
    image = cv2.cvtColor(_read(comparison.film), cv2.COLOR_BGR2RGB)
    baseline, baseline_errors = draw_errors(image, comparison.truth, comparison.baseline)
    best, best_errors = draw_errors(image, comparison.truth, comparison.best)
    return {
        "name": comparison.film.name,
        "truth": _jpeg(draw_overlay(image, comparison.truth)),
        "baseline": _jpeg(baseline),
        "best": _jpeg(best),
        "baseline_errors": baseline_errors,
        "best_errors": best_errors,
    }


def _read(path: Path) -> np.ndarray:
    image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path} is no image")
    return image


def _jpeg(image: np.ndarray) -> str:
    """Return a picture as a data URI, at most 640 px wide."""
    factor = min(1.0, 640 / image.shape[1])
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(
        ".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    )
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
