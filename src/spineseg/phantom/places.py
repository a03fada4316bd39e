"""Where bones lie on a film: a vertebra seen from the front, and a point's local axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Vertebra:
    """One vertebra of a frontal column; millimetres and radians."""

    level: str
    x: float
    y: float
    width: float
    height: float
    tilt: float
    lean: float
    twist: float  # axial rotation
    depth: float
    wedge: float = 0.0  # part by which the left side is higher than the right


@dataclass(frozen=True)
class Frame:
    """Local axes (x to the back, y down, mm) of a point of the neck."""

    x: float
    y: float
    tilt: float
    size: float = 1.0

    def at(self, points: np.ndarray | list[list[float]]) -> np.ndarray:
        """Return local points, (points, 2), on the film."""
        p = np.asarray(points, float) * self.size
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        x, y = p[:, 0], p[:, 1]
        return np.stack([self.x + x * cos - y * sin, self.y + x * sin + y * cos], 1)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return one local point on the film."""
        ((px, py),) = self.at([[x, y]])
        return float(px), float(py)
