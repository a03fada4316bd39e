"""Made-up films for the report's tests: a column's outlines, and records of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from spineseg.evaluation.records import FilmRecord, Found, Truth, matched_record
from spineseg.films import LabelledFilm, Outline
from spineseg.levels import ANATOMICAL_ORDER
from spineseg.report.comparison import FilmComparison


def column(shift: float = 0.0, *, bend: float = 0.0) -> tuple[Outline, ...]:
    """Return 17 detections, T1..L5, thin and close below each other, on a line or an arc."""
    box = np.array([[0.3, 0], [0.5, 0], [0.5, 0.02], [0.3, 0.02]])
    return tuple(
        Outline(
            level,
            box + np.array([shift + bend * np.sin(np.pi * i / 8), 0.1 + 0.035 * i]),
            0.9,
        )
        for i, level in enumerate(ANATOMICAL_ORDER[7:])
    )


def film_record(
    name: str,
    truths: Sequence[Outline],
    found: Sequence[tuple[Outline, Sequence[float]]],
) -> FilmRecord:
    """Return a film's record; each detection comes with its mask's overlap with every label."""
    return matched_record(
        name=name,
        height=100,
        width=100,
        seconds=0.1,
        truths=[Truth(level=truth.level, box=(0, 0, 1, 1)) for truth in truths],
        found=[
            Found(
                level=outline.level,
                confidence=outline.confidence or 0.0,
                level_scores=(),
                box=(0, 0, 1, 1),
                polygon=tuple((float(x), float(y)) for x, y in outline.points),
            )
            for outline, _ in found
        ],
        box_iou=[tuple(overlaps) for _, overlaps in found],
        mask_iou=[tuple(overlaps) for _, overlaps in found],
    )


def column_record(name: str, *, missed: int = 0, wrong: int = 0) -> FilmRecord:
    """Return a film of 17 vertebrae: the last ones not found, the first ones named one too low."""
    truths = column()
    found = []
    for place, truth in enumerate(truths[: len(truths) - missed]):
        level = truths[place + 1].level if place < wrong else truth.level
        overlaps = [float(place == other) for other in range(len(truths))]
        found.append((Outline(level, truth.points, 0.9), overlaps))
    return film_record(name, truths, found)


def compared_film(folder: Path) -> FilmComparison:
    """Return a film that lies in a folder, of which the baseline finds nothing right."""
    cv2.imwrite(str(folder / "film.png"), np.full((200, 200), 90, np.uint8))
    film = LabelledFilm(folder / "film.png", column())
    return FilmComparison(film, column_record("film.png", missed=17), column_record("film.png"))
