"""A labelled film drawn, with the labels that a finding is about marked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spineseg.decoding.decode import reduced_film
from spineseg.films import LabelledFilm
from spineseg.levels import colour
from spineseg.overlay import Shape, draw_shapes

_MOST_FILLED = 4  # Many filled bodies hide the film.
_PLAIN = (150, 158, 168)
_ALARM = (255, 92, 60)


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
