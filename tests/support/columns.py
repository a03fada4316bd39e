"""Columns of plain bodies, put where a test wants them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spineseg.films import Outline
from spineseg.measurement.bodies import Body


def box(x: float, y: float, tilt_deg: float, width: float = 40, height: float = 20) -> np.ndarray:
    """Return the corners of a body about a point, falling to the right by `tilt_deg`, (4, 2)."""
    half = np.array([[-width, -height], [width, -height], [width, height], [-width, height]]) / 2
    cos, sin = np.cos(np.radians(tilt_deg)), np.sin(np.radians(tilt_deg))
    return np.array([x, y]) + half @ np.array([[cos, sin], [-sin, cos]])


def column(
    levels: Sequence[str], tilts_deg: Sequence[float], pitch: float = 30.0
) -> dict[str, Body]:
    """Return bodies along a line that bends as they tilt, from (300, 60) downwards."""
    x, y = 300.0, 60.0
    found = {}
    for level, tilt in zip(levels, tilts_deg, strict=True):
        found[level] = Body(level, box(x, y, tilt))
        x, y = x - pitch * np.sin(np.radians(tilt)), y + pitch * np.cos(np.radians(tilt))
    return found


def outlined(bodies: dict[str, Body], size_px: tuple[int, int]) -> list[Outline]:
    """Return bodies as outlines on a film of a height and width."""
    height, width = size_px
    return [Outline(level, body.corners / [width, height]) for level, body in bodies.items()]
