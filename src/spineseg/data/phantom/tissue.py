"""How much each tissue attenuates, and what a scene is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .shapes import Canvas, Map

SOFT = 0.0125  # attenuation per mm; bone below is what it has beyond soft tissue
SPONGY = 0.0075
CORTICAL = 0.036


@dataclass(frozen=True)
class Scene:
    """Attenuation along each ray, and the outlines of what is labelled, in millimetres."""

    canvas: Canvas
    attenuation: Map
    outlines: dict[str, np.ndarray]
