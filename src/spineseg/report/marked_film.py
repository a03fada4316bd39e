"""A labelled film drawn, with the labels that a finding is about marked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spineseg.decoding.decode import reduced_film
from spineseg.films import LabelledFilm
from spineseg.levels import RANK, colour
from spineseg.overlay import Shape, draw_shapes
from spineseg.report.wording import count

_MOST_FILLED = 4  # Many filled bodies hide the film.
_PLAIN = (150, 158, 168)
_ALARM = (255, 92, 60)


def labels_text(levels: Sequence[str]) -> str:
    """Return how many labelled vertebrae a film has, and from which level to which."""
    if not levels:
        return "no labelled vertebra"
    order = sorted(levels, key=lambda level: RANK[level])
    ends = order[0] if len(order) == 1 else f"{order[0]} to {order[-1]}"
    return f"{count(len(order), 'labelled vertebra', 'labelled vertebrae')}, {ends}"


def film_words(film: LabelledFilm, marked: Sequence[int]) -> str:
    """Return what `film_picture` shows, for those who cannot see it."""
    levels = [outline.level for outline in film.outlines]
    text = labels_text(levels)
    bold = [levels[i] for i in marked if i < len(levels)]
    return text + (f"; marked: {', '.join(bold)}" if bold else "")


def film_picture(film: LabelledFilm, marked: Sequence[int], most_px: tuple[int, int]) -> np.ndarray:
    """Return the film drawn, (height, width, 3) uint8 RGB: labels at `marked` bold, others thin.

    The film is reduced to `most_px` (width, height) first.
    """
    fill = 0.3 if len(marked) <= _MOST_FILLED else 0.0
    shapes = [
        Shape(
            outline,
            outline.level,
            _ALARM if i in marked else _PLAIN if marked else colour(outline.level),
            text_colour=_ALARM if i in marked else (255, 255, 255),
            weight=1.8 if i in marked else 0.8,
            fill=fill if i in marked else 0.0,
        )
        for i, outline in enumerate(film.outlines)
    ]
    return draw_shapes(reduced_film(film.path, most_px), shapes)[0]
