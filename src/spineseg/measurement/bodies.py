"""A vertebral body's corners and end plates, and how these move with an outline's error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Body:
    """One vertebral body, or many draws of it: every figure then is an array of as many values.

    Lengths are in units of equal size across and down the film; left and right are the film's,
    whichever side of a patient that is.
    """

    level: str
    corners: np.ndarray  # (..., 4, 2): upper left, upper right, lower right, lower left

    @property
    def upper(self) -> np.ndarray:
        """The upper end plate, (..., 2, 2): its left and right end."""
        return self.corners[..., :2, :]

    @property
    def lower(self) -> np.ndarray:
        """The lower end plate, (..., 2, 2): its left and right end."""
        return self.corners[..., [3, 2], :]

    @property
    def midline(self) -> np.ndarray:
        """The line from the middle of the left side to that of the right, (..., 2, 2).

        Of C2, whose upper end is the dens, its lower end plate.
        """
        return self.lower if self.level == "C2" else (self.upper + self.lower) / 2

    @property
    def centre(self) -> np.ndarray:
        """The corners' mean, (..., 2)."""
        return np.asarray(self.corners.mean(-2))

    @property
    def tilt_deg(self) -> np.ndarray:
        """How far the midline falls towards the film's right, degrees, (...,)."""
        return tilt_deg(self.midline)

    def side(self, name: str) -> np.ndarray:
        """Return the `left` or `right` side, (..., 2, 2): its upper and lower end."""
        return self.corners[..., [0, 3] if name == "left" else [1, 2], :]

    def drawn(self, sigma: float, draws: int, rng: np.random.Generator) -> Body:
        """Return the body with each corner moved at random, `sigma` each way, `draws` times.

        A corner is where a plate's and a side's fitted lines meet: an outline that is off by some
        distance, another at each corner, moves it by about that.
        """
        return Body(self.level, self.corners + rng.normal(0, sigma, (draws, 4, 2)))


def tilt_deg(line: np.ndarray) -> np.ndarray:
    """Return how far lines, (..., 2, 2), fall from first to second point, -180..180 degrees."""
    x, y = np.moveaxis(line[..., 1, :] - line[..., 0, :], -1, 0)
    return np.asarray(np.degrees(np.arctan2(y, x)))


def turned_deg(angle: np.ndarray) -> np.ndarray:
    """Return an angle between two directions in -180..180 degrees."""
    return np.asarray((angle + 180) % 360 - 180)


def length(line: np.ndarray) -> np.ndarray:
    """Return the lengths of lines, (..., 2, 2), as (...,)."""
    return np.asarray(np.linalg.norm(line[..., 1, :] - line[..., 0, :], axis=-1))


def dot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the inner products of vectors, (..., 2), as (...,)."""
    return np.asarray((one * other).sum(-1))
