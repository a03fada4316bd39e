"""A film in its true shape with what was measured on it: end plates, end vertebrae, angles."""

from __future__ import annotations

import cv2
import numpy as np

from spineseg.films import Outline
from spineseg.levels import colour
from spineseg.measurement.figures import FilmMeasures
from spineseg.overlay import Shape, draw_shapes

_LEAST_HEIGHT_PX, _MOST_HEIGHT_PX = 900, 2000
_BEYOND = 0.9  # Of a plate's length, by which an end vertebra's line goes on.
_TINTS = ((255, 255, 255), (255, 196, 84), (120, 220, 255), (190, 255, 150))


def draw_measures(film: np.ndarray, measures: FilmMeasures) -> np.ndarray:
    """Return the film, (height, width, 3) uint8 RGB, in its true shape with bodies and angles.

    Each body is the quadrilateral that was measured. Of each curve the end vertebrae's lines go
    on beyond them, in a colour of its own, the largest's white.
    """
    height = min(max(film.shape[0], _LEAST_HEIGHT_PX), _MOST_HEIGHT_PX)
    width = max(1, round(measures.aspect * height))
    shaped = cv2.resize(film, (width, height), interpolation=cv2.INTER_CUBIC)
    size = np.array([film.shape[1], film.shape[0]])
    bodies = {level: np.array(px) / size for level, px in measures.corners_px.items()}
    shapes = [
        Shape(Outline(level, points), level, colour(level), fill=0.12)
        for level, points in bodies.items()
    ]
    picture = draw_shapes(shaped, shapes)[0].copy()
    scale = np.array([width, height])
    thick = max(1, height // 600)
    for number, (upper, lower) in enumerate(_ends(measures)):
        tint = _TINTS[min(number, len(_TINTS) - 1)]
        for level in (upper, lower):
            corners = bodies[level] * scale
            left, right = corners[3], corners[2]  # Lower end plates, of a neck.
            if measures.view == "frontal":
                left, right = (corners[0] + left) / 2, (corners[1] + right) / 2
            on = (right - left) * _BEYOND
            ends = [tuple(int(v * 8) for v in end) for end in (left - on, right + on)]
            cv2.line(picture, ends[0], ends[1], tint, thick, cv2.LINE_AA, 3)
    return picture


def _ends(measures: FilmMeasures) -> list[tuple[str, str]]:
    if measures.view == "frontal":
        return [(curve.upper, curve.lower) for curve in measures.curves]
    return [("C2", "C7")] if measures.lordosis_deg is not None else []
