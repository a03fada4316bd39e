"""The study's report: one HTML file that needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from markupsafe import Markup

from spineseg.evidence.results import StudySummary
from spineseg.report import (
    account,
    anatomy,
    answer,
    cautions,
    confirmation,
    effects,
    figures,
    next_steps,
    where,
    wording,
    working_point,
)
from spineseg.report.comparison import Comparison
from spineseg.report.html import jpeg_uri, read_film, write_html
from spineseg.report.mistakes import draw_errors
from spineseg.report.overlay import MARGIN_COLOUR, draw_overlay
from spineseg.report.table import CLEAR_DIFFERENCE, COLUMNS, leaderboard

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
    leader, baseline = summary.leader, summary.baseline
    challenger = leader if leader and leader.kind != "baseline" and leader.evaluation else None
    return {
        "summary": summary,
        "goal": wording.metric_name(summary.objective),
        "objective": summary.objective,
        "clear": CLEAR_DIFFERENCE,
        "challenger": challenger.name if challenger else None,
        "promoted": summary.test.candidate if summary.test and summary.test.promoted else None,
        "baseline_done": bool(baseline and baseline.outcome == "completed"),
        "config": summary.config_path or "STUDY.yaml",
        **_answer(summary),
        **_where(summary),
        **_runs(summary),
        **_search_and_cost(summary),
        "steps": next_steps.steps(summary),
        "pictures": [_side_by_side(c, challenger is not None) for c in comparisons],
        "facts": [(k.replace("_", " "), account.fact_text(v)) for k, v in summary.data.items()],
    }


def _answer(summary: StudySummary) -> dict[str, Any]:
    evidence, test, found = summary.evidence, summary.test, answer.claim(summary)
    noise = confirmation.noise_text(evidence) if evidence else []
    if evidence:
        noise += [confirmation.luck_text(evidence), confirmation.no_arms_text(evidence)]
    return {
        "answer": answer.answer(summary),
        "tiles": answer.tiles(summary),
        "cautions": cautions.cautions(summary),
        "claim": found,
        "finalists": confirmation.finalists(summary),
        "tested": confirmation.tested(summary),
        "every_metric": confirmation.every_metric(found.arm) if found else None,
        "seed_dots": Markup(confirmation.seed_dots(summary)),
        "noise": [text for text in noise if text],
        "openings_text": confirmation.openings_text(test) if test else ("", False),
        "openings": confirmation.openings(test) if test else None,
        "gates": confirmation.gates(test) if test else None,
        "gates_text": confirmation.gates_text(test) if test else "",
    }


def _where(summary: StudySummary) -> dict[str, Any]:
    scores = where.evaluations(summary)
    return {
        "evaluations": scores,
        "where_sentences": where.sentences(scores) if scores else [],
        "spine": Markup(anatomy.spine(scores)) if scores else "",
        "kinds_of_error": where.kinds_of_error(scores) if scores else None,
        "views": where.views(scores),
        "numberings": where.numberings(summary),
        "numbering_text": where.numbering_text(summary),
        "outlines": where.outlines(scores) if scores else None,
        "confusions": _svgs([anatomy.confusion(*pair) for pair in scores.items()]),
        "points": working_point.table(scores) if scores else None,
        "point_sentences": working_point.sentences(scores) + where.lost_levels(scores),
        "point_curves": Markup(working_point.curves(scores)),
    }


def _runs(summary: StudySummary) -> dict[str, Any]:
    goal = wording.metric_name(summary.objective)
    curves = [(f"val/{summary.objective}", f"{goal}, validation"), *_CURVES]
    judged = summary.evidence is not None
    return {
        "columns": COLUMNS,
        "rows": leaderboard(summary),
        "remarks": account.remarks(summary),
        "hypotheses": effects.hypotheses(summary),
        "interval_note": effects.interval_note(summary),
        "forest": Markup(effects.forest(summary)),
        "differences": "" if judged else Markup(effects.differences(summary)),
        "differences_left_out": effects.differences_left_out(summary),
        "legend": figures.legend(summary),
        "curves": _svgs([figures.learning_curves(summary, *curve) for curve in curves]),
    }


def _search_and_cost(summary: StudySummary) -> dict[str, Any]:
    return {
        "search": account.search_text(summary),
        "space": account.space_lines(summary),
        "importances": Markup(figures.importances(summary.importances)),
        "searched": _svgs(figures.searched_values(summary)),
        "cost": Markup(figures.cost(summary)),
        "cost_left_out": figures.cost_left_out(summary),
        "cost_text": account.cost_text(summary),
        "unfinished": account.unfinished(summary),
    }


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
