"""A vertebral body: a waisted cylinder with rimmed, hollow end plates, its chords and outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spineseg.phantom.shapes import Canvas, Map, turned

_RIM_END = 0.93  # Part of the half width at which an end plate turns into a side.
_RIM_FROM = 0.62  # Part of the half width at which the rim of an end plate begins to rise.


@dataclass(frozen=True)
class Body:
    """A vertebral body; millimetres and radians. The ray runs along its depth."""

    x: float
    y: float
    width: float
    height: float
    depth: float
    tilt: float  # in the film's plane
    lean: float  # out of it: opens the end plates into ellipses
    waist: float  # part of the half width lost at mid height
    wedge: float = 0.0  # part by which the left side is higher than the right
    flare: float = 0.0  # part of the height by which the rims stand out
    hollow: float = 0.06  # part of the height by which the upper end plate sinks
    notch: float = 0.06  # the same of the lower end plate
    power: float = 2.4  # of the section; 2 an ellipse, 4 nearly a rectangle

    def add(self, to: Map, canvas: Canvas, spongy: float, cortical: float, wall: float) -> None:
        """Add its attenuation: per mm `spongy` throughout, `cortical` in a shell of `wall` mm.

        `to` (rows, columns) is changed in place.
        """
        half_in, half_up = self.width * 0.62, self.height * 0.75 + self._opening()
        reach_x = half_in * abs(np.cos(self.tilt)) + half_up * abs(np.sin(self.tilt))
        reach_y = half_up * abs(np.cos(self.tilt)) + half_in * abs(np.sin(self.tilt))
        patch = canvas.patch(self.x, self.y, reach_x, reach_y)
        if patch is None:
            return
        rows, columns, xs, ys = patch
        u, v = turned(xs, ys, self.x, self.y, self.tilt)
        outer = self._chord(u, v, 0.0)
        shell = np.maximum(outer - self._chord(u, v, wall), 0)
        to[rows, columns] += spongy * outer + cortical * shell

    def outline(self, points_per_side: int = 7) -> np.ndarray:
        """Return the silhouette on the film in mm, (4 * points_per_side, 2), clockwise."""
        t = np.linspace(-_RIM_END, _RIM_END, points_per_side)
        half = self.width / 2
        upper, lower = self._plates(t)
        side = t * 0.86 * self.height / 2
        reach = half * (1 - self.waist * (1 - (side * 2 / self.height) ** 2))
        local = np.concatenate(
            [
                upper,
                np.stack([reach, side * (1 - self.wedge)], 1),
                lower[::-1],
                np.stack([-reach, side * (1 + self.wedge)], 1)[::-1],
            ]
        )
        return self._on_film(local)

    def corners(self) -> np.ndarray:
        """Return its rims' ends on the film in mm, (4, 2): upper left and right, lower right, left.

        What is measured of a body, by what it was made of: no outline was drawn or fitted.
        """
        upper, lower = self._plates(np.array([-_RIM_END, _RIM_END]))
        return self._on_film(np.concatenate([upper, lower[::-1]]))

    def _plates(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the silhouette's upper and lower edge at parts of the half width, (points, 2)."""
        lift = 0.30 * self._opening() * np.sqrt(1 - np.abs(t) ** self.power)
        u = t * (self.width / 2)
        return np.stack([u, self._top(u) - lift], 1), np.stack([u, self._bottom(u) + lift], 1)

    def _on_film(self, local: np.ndarray) -> np.ndarray:
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        x, y = local.T
        return np.stack([self.x + x * cos - y * sin, self.y + x * sin + y * cos], 1)

    def _opening(self) -> float:
        return self.depth / 2 * abs(float(np.sin(self.lean)))

    def _rise(self, u: np.ndarray, hollow: float) -> np.ndarray:
        rel = np.minimum(np.abs(u) / (self.width / 2), 1.1)
        rim = np.clip((rel - _RIM_FROM) / (1 - _RIM_FROM), 0, 1) ** 2
        return self.height * (self.flare * rim - hollow * (1 - rel**2))

    def _half(self, u: np.ndarray) -> np.ndarray:
        return self.height / 2 * (1 - self.wedge * u / (self.width / 2))

    def _top(self, u: np.ndarray) -> np.ndarray:
        return -self._half(u) - self._rise(u, self.hollow)

    def _bottom(self, u: np.ndarray) -> np.ndarray:
        return self._half(u) + self._rise(u, self.notch)

    def _chord(self, u: np.ndarray, v: np.ndarray, wall: float) -> np.ndarray:
        """Return the chord of the body shrunk by `wall` on every side."""
        rel = np.clip(v / (self.height / 2), -1, 1)
        half_width = self.width / 2 * (1 - self.waist * (1 - rel**2)) - wall
        inside = np.clip(1 - np.abs(u / half_width) ** self.power, 0, None)
        z = (self.depth / 2 - wall) * inside ** (1 / self.power)
        top, bottom = self._top(u) + wall, self._bottom(u) - wall
        sin = float(np.sin(self.lean))
        if abs(sin) < 0.01:
            # One pixel of softness: a plate seen edge on must not be a staircase.
            return 2 * z * np.clip(np.minimum(v - top, bottom - v) / 0.4 + 0.5, 0, 1)
        near, far = (v - bottom) / sin, (v - top) / sin
        if sin < 0:
            near, far = far, near
        return np.clip(np.minimum(z, far) - np.maximum(-z, near), 0, None)
