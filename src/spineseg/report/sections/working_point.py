"""The original work's own questions: at which confidence to work, and what that costs."""

from __future__ import annotations

from typing import Any, NamedTuple

from markupsafe import Markup

from spineseg.evaluation.result import Evaluation
from spineseg.evidence.results import StudySummary
from spineseg.report.chosen_runs import evaluations
from spineseg.report.drawing import (
    BLUE,
    GREY,
    INK,
    SMALL_PT,
    SOFT,
    WIDTH_IN,
    Stroke,
    as_svg,
    house_style,
    new_figure,
)
from spineseg.report.grid import Grid
from spineseg.report.wording import NONE, count, run_words, sentence

WANTED_PRECISION, WANTED_RECALL = 0.8, 0.7
ORIGINAL_CONFIDENCE, ORIGINAL_IOU = 0.7, 0.55
"""The original work's recommendation, read off its curves: configs and figures are its own."""

STROKES = (Stroke(INK, 2.3), Stroke(BLUE, 2.3, marker="D"))
F1, PRECISION, RECALL = Stroke(SOFT, 2.3), Stroke(SOFT, 1.3, (5, 2)), Stroke(SOFT, 1.3, (1, 1.4))
"""Of the runs, and of what is drawn of each."""


class Point(NamedTuple):
    """Mask precision, recall and F1 at IoU 0.5 from one confidence on, means over the levels."""

    confidence: float
    precision: float
    recall: float
    f1: float


def content(summary: StudySummary) -> dict[str, Any] | None:
    """Return what the template needs; None where no run was evaluated."""
    scores = evaluations(summary)
    if not scores:
        return None
    return {
        "points": table(scores),
        "sentences": sentences(scores) + lost_levels(scores),
        "curves": Markup(curves(scores)),
        "keys": [
            *zip(scores, STROKES, strict=False),
            ("F1, a dot at the best", F1),
            ("precision", PRECISION),
            ("recall", RECALL),
        ],
    }


def points(evaluation: Evaluation) -> list[Point]:
    """Return the curve, by rising confidence; empty where it was not kept."""
    curve = evaluation.f1_curve
    names = ("confidence", "mask_precision", "mask_recall", "mask_f1")
    if not all(curve.get(name) for name in names):
        return []
    return [Point(*row) for row in zip(*(curve[name] for name in names), strict=True)]


def best_f1(evaluation: Evaluation) -> Point:
    """Return the working point with the best F1."""
    return Point(
        evaluation.mask_best_f1_confidence,
        evaluation.mask_precision,
        evaluation.mask_recall,
        evaluation.mask_best_f1,
    )


def precise_enough(evaluation: Evaluation, precision: float = WANTED_PRECISION) -> Point | None:
    """Return the point of highest recall among those that reach `precision`; None without any.

    Points without a single hit do not count: nothing found is no precision. Of equal recall, the
    highest confidence.
    """
    good = [p for p in points(evaluation) if p.precision >= precision and p.recall > 0]
    return max(good, key=lambda p: (p.recall, p.confidence), default=None)


def at_confidence(evaluation: Evaluation, confidence: float) -> Point | None:
    """Return the curve's point nearest to a confidence."""
    return min(points(evaluation), key=lambda p: abs(p.confidence - confidence), default=None)


def table(evaluations: dict[str, Evaluation]) -> Grid:
    """Return each run's working points beside the original's recommendation."""
    rows = []
    for name, e in evaluations.items():
        rows.append(_row(name, "best F1", best_f1(e)))
        wanted = f"most recall at precision ≥ {WANTED_PRECISION:g}"
        rows.append(_row(name, wanted, precise_enough(e)))
        fixed = f"the original's confidence {ORIGINAL_CONFIDENCE:g}"
        rows.append(_row(name, fixed, at_confidence(e, ORIGINAL_CONFIDENCE)))
    rows.append(
        [
            "original work",
            f"recommended, read off its curves (IoU {ORIGINAL_IOU:g})",
            f"{ORIGINAL_CONFIDENCE:.3f}",
            f"{WANTED_PRECISION:.3f}",
            f"{WANTED_RECALL:.3f}",
            NONE,
        ]
    )
    head = ["run", "working point", "confidence", "precision", "recall", "F1"]
    return Grid(head, rows, prose=(1,), bold=("original work",))


def _row(name: str, what: str, point: Point | None) -> list[str]:
    figures = [NONE] * 4 if point is None else [f"{value:.3f}" for value in point]
    return [name, what, *figures]


def sentences(evaluations: dict[str, Evaluation]) -> list[str]:
    """Return each run's working point in words, and whether it reaches what was recommended."""
    text = []
    for name, e in evaluations.items():
        best, enough = best_f1(e), precise_enough(e)
        who = sentence(run_words(name))
        words = (
            f"{who} works best by F1 from confidence {best.confidence:.2f} on: precision "
            f"{best.precision:.2f}, recall {best.recall:.2f}, F1 {best.f1:.2f}."
        )
        if enough is None:
            words += f" It reaches precision {WANTED_PRECISION:g} at no confidence."
        else:
            reach = "no less than" if enough.recall >= WANTED_RECALL else "less than"
            words += (
                f" Precision {WANTED_PRECISION:g} it reaches with most recall from confidence "
                f"{enough.confidence:.2f} on, where recall is {enough.recall:.2f}: {reach} the "
                f"{WANTED_RECALL:g} that the original work recommended with it."
            )
        text.append(words)
    return text


def lost_levels(evaluations: dict[str, Evaluation]) -> list[str]:
    """Return for each run which labelled levels it gets right nowhere."""
    text = []
    for name, e in evaluations.items():
        labelled = {level: score for level, score in e.levels.items() if score.instances}
        lost = [level for level, score in labelled.items() if not score.right]
        who, of = sentence(run_words(name)), f"of {len(labelled)} at confidence {e.confidence:g}"
        if not lost:
            text.append(f"{who} has lost no level {of}.")
            continue
        are, own = ("is", "its own level") if len(lost) == 1 else ("are", "their own level")
        text.append(
            f"{who} has lost {count(len(lost), 'level')} {of}: {', '.join(lost)} {are} found "
            f"nowhere with {own}."
        )
    return text


def curves(evaluations: dict[str, Evaluation]) -> str:
    """Draw precision, recall and F1 over the confidence, all runs in one picture."""
    drawn = {name: points(e) for name, e in evaluations.items() if points(e)}
    if not drawn:
        return ""
    with house_style():
        figure, axes = new_figure(WIDTH_IN, 3.1)
        axes.axvline(ORIGINAL_CONFIDENCE, color=GREY, lw=1.2)
        axes.annotate(
            f"original's {ORIGINAL_CONFIDENCE:g}", (ORIGINAL_CONFIDENCE, 0.02), (4, 0),
            textcoords="offset points", fontsize=SMALL_PT, color=SOFT,
        )  # fmt: skip
        for (name, curve), stroke in zip(drawn.items(), STROKES, strict=False):
            confidence, style = [p.confidence for p in curve], stroke.drawn(len(curve))
            axes.plot(confidence, [p.f1 for p in curve], **style)
            for values, dashes in (
                ([p.precision for p in curve], PRECISION.dashes),
                ([p.recall for p in curve], RECALL.dashes),
            ):
                axes.plot(confidence, values, **style | {"lw": 1.3, "ls": (0, dashes)})
            best = best_f1(evaluations[name])
            axes.plot(
                best.confidence, best.f1, "o", color=stroke.colour, ms=7, mec="white", zorder=5
            )
        axes.set_xlabel("confidence")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        says = "; ".join(
            f"{name} has its best F1, {best.f1:.2f}, at confidence {best.confidence:.2f} with "
            f"precision {best.precision:.2f} and recall {best.recall:.2f}"
            for name, best in ((name, best_f1(evaluations[name])) for name in drawn)
        )
        return as_svg(figure, "Mask precision, recall and F1 over confidence", f"{says}.")
