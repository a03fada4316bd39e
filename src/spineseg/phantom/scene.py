"""What lies before the rays: the attenuation along each, and the outlines of what is labelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spineseg.phantom.shapes import Canvas, Map


@dataclass(frozen=True)
class Scene:
    """Attenuation along each ray, and the outlines of what is labelled, in millimetres."""

    canvas: Canvas
    attenuation: Map
    outlines: dict[str, np.ndarray]  # level -> (points, 2), mm
    corners: dict[str, np.ndarray]  # level -> (4, 2), mm: upper left and right, lower right, left
