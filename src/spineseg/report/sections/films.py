"""The worst films side by side: labels, the baseline's mistakes, the leading run's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

from spineseg.decoding.decode import reduced_film
from spineseg.errors import DataError
from spineseg.evaluation.records import FilmRecord
from spineseg.evidence.results import StudySummary
from spineseg.metrics import COUNTED_CONFIDENCE, MET_IOU
from spineseg.overlay import MARGIN_COLOUR, draw_overlay
from spineseg.report.chosen_runs import challenger
from spineseg.report.comparison import FilmComparison
from spineseg.report.html import jpeg_uri
from spineseg.report.marked_film import labels_text
from spineseg.report.mistakes import draw_mistakes, mistakes_text
from spineseg.report.wording import listed, run_words


class Drawn(NamedTuple):
    """A film drawn as one run sees it, or with its labels."""

    who: str
    caption: str
    source: str  # data URI
    alt: str  # What it shows, for those who cannot see it.


class Picture(NamedTuple):
    """A film drawn once for its labels and once for each run."""

    name: str
    columns: list[Drawn]


def content(summary: StudySummary, comparisons: Sequence[FilmComparison]) -> dict[str, Any] | None:
    """Return what the template needs; None where no film was compared."""
    if not comparisons:
        return None
    best = challenger(summary)
    drawn = {comparison.name: picture(comparison, best) for comparison in comparisons}
    return {
        "challenger": best,
        "pictures": [found for found in drawn.values() if found],
        "missing": missing_text([name for name, found in drawn.items() if not found]),
        "captions": [
            (each.name, [f"{who} {mistakes_text(record)}" for who, record in _columns(each, best)])
            for each in comparisons
            if not drawn[each.name]
        ],
        "confidence": COUNTED_CONFIDENCE,
        "iou": MET_IOU,
    }


def picture(comparison: FilmComparison, best: str | None) -> Picture | None:
    """Return a film's pictures with their captions; None where it cannot be read."""
    if comparison.film is None:
        return None
    try:
        film = reduced_film(comparison.film.path)
    except DataError:
        return None
    truths = comparison.film.outlines
    labelled = labels_text([truth.level for truth in truths])
    drawn = [draw_overlay(film, truths)]
    texts = [("labels", "", f"{comparison.name} with its labels: {labelled}")]
    for who, record in _columns(comparison, best):
        caption = mistakes_text(record)
        drawn.append(draw_mistakes(film, truths, record))
        alt = f"{comparison.name} as {run_words(who)} sees it: {caption}, of {labelled}"
        texts.append((who, caption, alt))
    width = max(each.shape[1] for each in drawn)
    return Picture(
        comparison.name,
        [
            Drawn(who, caption, jpeg_uri(_widened(each, width)), alt)
            for (who, caption, alt), each in zip(texts, drawn, strict=True)
        ],
    )


def _columns(comparison: FilmComparison, best: str | None) -> list[tuple[str, FilmRecord]]:
    return list(zip(("baseline", best or ""), comparison.records, strict=False))


def missing_text(names: list[str]) -> str:
    """Return which films cannot be shown; empty where all can."""
    if not names:
        return ""
    are = "is" if len(names) == 1 else "are"
    return (
        f"{len(names)} of these films {are} not on this machine, labelled as when scored, and "
        f"{are} left out: {listed(names)}."
    )


def _widened(drawn: np.ndarray, width: int) -> np.ndarray:
    """Return the picture with a dark margin to the right, so that all of a film are of one size."""
    return cv2.copyMakeBorder(
        drawn, 0, 0, 0, width - drawn.shape[1], cv2.BORDER_CONSTANT, value=MARGIN_COLOUR
    )
