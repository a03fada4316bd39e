"""How strongly tissues weaken the rays, and a scene: attenuation with the outlines on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spineseg.phantom.shapes import Canvas, Map

SOFT = 0.0125  # attenuation per mm; bone below is what it has beyond soft tissue
SPONGY = 0.0062
CORTICAL = 0.034


@dataclass(frozen=True)
class Scene:
    """Attenuation along each ray, and the outlines of what is labelled, in millimetres."""

    canvas: Canvas
    attenuation: Map
    outlines: dict[str, np.ndarray]  # level -> (points, 2), mm
