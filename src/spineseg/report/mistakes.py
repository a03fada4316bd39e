"""A film's record drawn: right and wrong levels, missed and invented vertebrae."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spineseg.evaluation.counts import count_film
from spineseg.evaluation.records import FilmRecord
from spineseg.films import Outline
from spineseg.levels import colour
from spineseg.overlay import Shape, draw_shapes

WRONG, MISSED, INVENTED = (255, 92, 72), (255, 214, 64), (255, 110, 230)


def mistakes_text(record: FilmRecord) -> str:
    """Return a film's counts as a caption; noughts are left out."""
    counts = count_film(record)
    kinds = {
        "wrong level": counts.wrong,
        "missed": counts.missed,
        "invented": counts.invented,
    }
    named = [f"{number} {kind}" for kind, number in kinds.items() if number]
    return ", ".join([f"{counts.right} right", *named])


def draw_mistakes(film: np.ndarray, truths: Sequence[Outline], record: FilmRecord) -> np.ndarray:
    """Return the film, (height, width, 3) uint8 RGB, with what its record counts drawn on it.

    `truths` are the outlines of the record's labels, in their order. Right detections keep their
    level's colour. A wrong level has a heavy red outline and reads "T7→T8" (true, then found); a
    missed vertebra is dashed yellow; an invented one, which meets no labelled vertebra or one
    already met, is crossed out.
    """
    return draw_shapes(film, mistake_shapes(truths, record))[0]


def mistake_shapes(truths: Sequence[Outline], record: FilmRecord) -> list[Shape]:
    """Return what is drawn for each detection that counts and each missed vertebra.

    By the match that the record keeps. A detection whose outline was not kept is not drawn.
    """
    shapes = [_found(record, i) for i in record.counted if len(record.outline(i).points)]
    missed = sorted(set(range(len(record.truths))) - set(record.met))
    return shapes + [
        Shape(truths[i], f"{truths[i].level} missed", MISSED, MISSED, 1.5, 0.0, dashed=True)
        for i in missed
    ]


def _found(record: FilmRecord, detection: int) -> Shape:
    outline, label = record.outline(detection), record.met[detection]
    if label < 0:
        text = f"{outline.level} invented"
        return Shape(outline, text, INVENTED, INVENTED, 1.2, 0.0, crossed=True)
    true = record.truths[label].level
    if true != outline.level:
        return Shape(outline, f"{true}→{outline.level}", WRONG, WRONG, 1.8, 0.3)
    return Shape(outline, outline.level, colour(outline.level))
