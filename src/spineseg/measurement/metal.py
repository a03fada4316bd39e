"""Metal on a column: screws and rods are as white as a film can be, outlines beside them unsure."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from spineseg.films import Outline

MOST_WHITE = 0.05
"""Share of the bodies' pixels that may be white: of the 433 films of AASCE 2019, 99 % have at most
0.002, and one 0.028."""
_WHITE = 250  # Of 255.


def white_share(film: np.ndarray, outlines: Sequence[Outline]) -> float:
    """Return which share of the outlined pixels is white, 0..1; 0 without any.

    `film` is (height, width, 3) uint8 RGB.
    """
    height, width = film.shape[:2]
    bodies = np.zeros((height, width), np.uint8)
    for outline in outlines:
        points = np.round(outline.points * [width, height]).astype(np.int32)
        cv2.fillPoly(bodies, [points[:, None]], 1)
    inside = film[..., 0][bodies > 0]
    return float((inside >= _WHITE).mean()) if inside.size else 0.0
