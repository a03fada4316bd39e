"""The trunk of a frontal film: its outline, lungs, diaphragm and bowel gas."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from .column import Vertebra
from .shapes import Canvas, Map, add_ellipsoid, smooth_noise
from .tissue import SOFT


class Axis:
    """The column's centre line: x at any y."""

    def __init__(self, vertebrae: list[Vertebra]) -> None:
        order = sorted(vertebrae, key=lambda v: v.y)
        self.ys = np.array([v.y for v in order])
        self.xs = np.array([v.x for v in order])
        self.by_level = {v.level: v for v in vertebrae}

    def x(self, y: np.ndarray | float) -> np.ndarray:
        return np.interp(y, self.ys, self.xs)


class Trunk:
    """The trunk's outline and depth, its lungs and its diaphragm."""

    def __init__(self, rng: np.random.Generator, span: float, axis: Axis) -> None:
        self.span, self.axis = span, axis
        self.top = axis.by_level["T1"].y
        self.bottom = axis.by_level["L5"].y
        fat = float(np.exp(rng.normal(0, 0.09)))
        anchors = np.array([-0.6, -0.30, -0.17, -0.08, 0.02, 0.18, 0.45, 0.72, 0.9, 1.1, 1.5])
        half = np.array([0.20, 0.155, 0.15, 0.30, 0.44, 0.42, 0.38, 0.34, 0.37, 0.44, 0.43])
        deep = np.array([0.42, 0.30, 0.29, 0.34, 0.42, 0.50, 0.54, 0.50, 0.50, 0.52, 0.46])
        self._anchor_y = self.top + anchors * span
        widths = half * span * fat * np.exp(rng.normal(0, 0.03, half.size))
        self._half_at = PchipInterpolator(self._anchor_y, widths)
        self._deep_at = PchipInterpolator(self._anchor_y, deep * span * fat)
        self.middle = float(0.5 * axis.x(self.top) + 0.5 * axis.x(self.bottom))
        self.dome = axis.by_level["T10"].y + rng.normal(0, 0.03) * span

    def half_width(self, y: np.ndarray | float) -> np.ndarray:
        return self._half_at(np.clip(y, self._anchor_y[0], self._anchor_y[-1]))

    def centre(self, y: np.ndarray | float) -> np.ndarray:
        return 0.35 * self.axis.x(y) + 0.65 * self.middle

    def depth(self, canvas: Canvas) -> Map:
        """Return the trunk's depth along each ray, mm; 0 in the air around it."""
        ys, xs = canvas.rows_mm(), canvas.columns_mm()
        rel = (xs - self.centre(ys)) / self.half_width(ys)
        deep = self._deep_at(np.clip(ys, self._anchor_y[0], self._anchor_y[-1]))
        return (deep * np.clip(1 - np.abs(rel) ** 2.6, 0, 1) ** 0.45).astype(np.float32)

    def lungs(self, canvas: Canvas, rng: np.random.Generator) -> Map:
        """Return the air along each ray, mm: two lungs, less the heart, above two domes."""
        ys, xs = canvas.rows_mm(), canvas.columns_mm()
        air = canvas.empty()
        apex = self.axis.by_level["T2"].y - 0.02 * self.span
        spine = self.axis.x(ys)
        for sign, low in ((-1, 0.0), (1, 0.018)):
            base = self.dome + low * self.span
            height = base - apex
            fall = np.clip((ys - apex) / height, 0, 1.4)
            outer = (
                self.half_width(ys)
                * 0.90
                * np.clip(np.sin(np.clip(fall + 0.10, 0, 0.62) * np.pi / 1.24), 0, 1)
            )
            inner = 0.055 * self.span + 0.02 * self.span * fall
            near, far = spine + sign * inner, self.centre(ys) + sign * outer
            across = (xs - near) / np.where(np.abs(far - near) < 1, 1, far - near)
            dome = base - 0.13 * self.span * (1 - (2.1 * np.abs(across - 0.42)) ** 2)
            crown = apex + 0.16 * self.span * np.abs(2 * across - 0.75) ** 2.2
            inside = np.clip(across * (1 - across) * 4, 0, 1) ** 0.4
            inside = inside * np.clip((ys - crown) / 6.0, 0, 1)
            floor = np.clip((dome - ys) / 2.0, 0, 1)
            air += 0.36 * self.span * inside * floor
        coarse = smooth_noise(rng, canvas.shape, 14 * canvas.px_per_mm)
        fine = smooth_noise(rng, canvas.shape, 4 * canvas.px_per_mm)
        air *= rng.uniform(0.50, 0.85) * (1 - 0.07 * np.clip(coarse + 0.6 * fine, -2, 2))
        heart = canvas.empty()
        t8 = self.axis.by_level["T8"]
        add_ellipsoid(
            heart,
            canvas,
            (t8.x + 0.09 * self.span, self.dome - 0.10 * self.span),
            (0.15 * self.span, 0.13 * self.span, 1.0),
            0.5,
            tilt=0.5,
        )
        return air * (1 - 0.72 * np.clip(heart, 0, 1))


def take_bowel_gas(
    attenuation: Map, canvas: Canvas, rng: np.random.Generator, trunk: Trunk
) -> None:
    """Take bowel gas out of the abdomen, and the stomach's bubble under the left dome."""
    gas = canvas.empty()
    for _ in range(int(rng.integers(4, 14))):
        y = rng.uniform(trunk.dome + 0.12 * trunk.span, trunk.bottom + 0.25 * trunk.span)
        x = trunk.centre(y) + rng.normal(0, 0.20) * trunk.span
        a, b = rng.uniform(0.012, 0.05, 2) * trunk.span
        add_ellipsoid(
            gas,
            canvas,
            (float(x), float(y)),
            (a, b, rng.uniform(6, 22)),
            SOFT,
            tilt=rng.uniform(0, 3),
        )
    add_ellipsoid(
        gas,
        canvas,
        (trunk.middle + 0.17 * trunk.span, trunk.dome + 0.03 * trunk.span),
        (0.07 * trunk.span, 0.03 * trunk.span, 25),
        SOFT,
    )
    np.maximum(attenuation - gas, 0.3 * attenuation, out=attenuation)
