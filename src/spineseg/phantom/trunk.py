"""The soft trunk of a frontal film: skin, lungs with vessels, heart, windpipe, bowel gas, arms.

Lengths are parts of the T1-to-L5 distance; t runs down the trunk, 0 at T1 and 1 at L5.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from spineseg.phantom.places import Vertebra
from spineseg.phantom.shapes import Canvas, Map, add_ellipsoid, add_tube, smooth_noise
from spineseg.phantom.tissue import SOFT

_SKIN_T = (
    -0.7,
    -0.45,
    -0.22,
    -0.10,
    -0.03,
    0.02,
    0.06,
    0.12,
    0.22,
    0.32,
    0.55,
    0.78,
    1.0,
    1.2,
    1.6,
)
_SKIN = (
    0.20,
    0.19,
    0.155,
    0.135,
    0.18,
    0.32,
    0.46,
    0.50,
    0.41,
    0.37,
    0.345,
    0.31,
    0.36,
    0.41,
    0.43,
)
_DEEP = (0.40, 0.38, 0.30, 0.28, 0.29, 0.31, 0.34, 0.38, 0.43, 0.47, 0.50, 0.48, 0.50, 0.52, 0.46)
_CAGE_T = (-0.04, 0.0, 0.05, 0.10, 0.18, 0.35, 0.50, 0.62, 0.75, 0.9)
_CAGE = (0.075, 0.15, 0.215, 0.255, 0.295, 0.325, 0.333, 0.330, 0.312, 0.29)

# The left edge of vessels and heart: aortic knob, hollow, ventricle; parts of the span.
_HEART_T = np.linspace(-0.1, 0.8, 37)
_HEART = PchipInterpolator(
    [-0.1, 0.12, 0.19, 0.25, 0.33, 0.42, 0.52, 0.62, 0.8],
    [0.05, 0.06, 0.085, 0.075, 0.095, 0.145, 0.195, 0.205, 0.2],
)(_HEART_T)


class Axis:
    """The column's centre line: x, in mm, at any y."""

    def __init__(self, vertebrae: list[Vertebra]) -> None:
        order = sorted(vertebrae, key=lambda v: v.y)
        self._ys, self._xs = np.array([v.y for v in order]), np.array([v.x for v in order])
        self.by_level = {v.level: v for v in vertebrae}

    def x(self, y: np.ndarray | float) -> np.ndarray:
        """Return the centre line's x at `y`, straight beyond its ends."""
        return np.asarray(np.interp(y, self._ys, self._xs))


class Trunk:
    """Skin, rib cage and diaphragm of one body, and the maps made from them; millimetres."""

    def __init__(self, rng: np.random.Generator, span: float, axis: Axis) -> None:
        self.span, self.axis = span, axis
        self.top, self.bottom = axis.by_level["T1"].y, axis.by_level["L5"].y
        stature = float(np.exp(rng.normal(0, 0.06)))
        fat = float(np.exp(rng.normal(0.02, 0.09)))
        wobble = np.exp(rng.normal(0, 0.025, len(_SKIN)))
        self._skin = PchipInterpolator(_SKIN_T, np.array(_SKIN) * fat * stature * wobble * span)
        self._deep = PchipInterpolator(_SKIN_T, np.array(_DEEP) * fat * span)
        self._cage = PchipInterpolator(_CAGE_T, np.array(_CAGE) * stature * span)
        self.middle = float(0.5 * axis.x(self.top) + 0.5 * axis.x(self.bottom))
        self.dome_t = float(rng.normal(0.575, 0.035))
        self.lung_depth = float(rng.uniform(0.45, 0.70))

    def t(self, y: np.ndarray | float) -> np.ndarray:
        """Return the place along the trunk of a y in mm."""
        return (np.asarray(y) - self.top) / self.span

    def y(self, t: float) -> float:
        """Return the y in mm of a place along the trunk."""
        return self.top + t * self.span

    def cage(self, y: np.ndarray | float) -> np.ndarray:
        """Return the rib cage's half width in mm at `y`."""
        return np.asarray(self._cage(np.clip(self.t(y), _CAGE_T[0], _CAGE_T[-1])))

    def centre(self, y: np.ndarray | float) -> np.ndarray:
        """Return the trunk's middle at `y`: it follows the column's curves by a third."""
        return 0.35 * self.axis.x(y) + 0.65 * self.middle

    def depth(self, canvas: Canvas, rng: np.random.Generator) -> Map:
        """Return the trunk's depth along each ray, mm; 0 in the air around it."""
        ys, xs = canvas.rows_mm(), canvas.columns_mm()
        t = np.clip(self.t(ys), _SKIN_T[0], _SKIN_T[-1])
        rel = (xs - self.centre(ys)) / self._skin(t)
        inside = np.clip(1 - np.abs(rel.astype(np.float32)) ** 2.8, 0, 1)
        depth = self._deep(t).astype(np.float32) * np.sqrt(inside)
        spread = rng.uniform(0.42, 0.60)
        for sign in (-1, 1):
            x = self.middle + sign * np.array([0.46, spread, spread + 0.03]) * self.span
            y = np.array([self.y(0.13), self.y(0.45), self.y(1.1)])
            arm = canvas.empty()
            add_tube(arm, canvas, np.stack([x, y], 1), 0.085 * self.span, 1.0)
            depth = np.maximum(depth, arm)
        return depth

    def air(self, canvas: Canvas, rng: np.random.Generator) -> Map:
        """Return the air along each ray, mm: lungs above their domes, less heart and vessels."""
        air = canvas.empty()
        t = self.t(canvas.rows_mm()[:, 0])
        rows = slice(int(np.searchsorted(t, -0.03)), int(np.searchsorted(t, 0.8)))
        if rows.start < rows.stop:
            air[rows] = self._lungs(canvas, rng, rows)
        air = np.maximum(air - self._vessels(canvas, rng), 0)
        coarse, fine = (smooth_noise(rng, canvas.shape, g * canvas.px_per_mm) for g in (14, 3))
        air *= 1 - 0.035 * coarse - 0.022 * fine
        self._windpipe(air, canvas)
        return air

    def _lungs(self, canvas: Canvas, rng: np.random.Generator, rows: slice) -> Map:
        """Return the lungs' air along the rays of some rows, mm; the heart takes its share."""
        ys, xs = canvas.rows_mm()[rows], canvas.columns_mm()
        span, t = self.span, self.t(ys).astype(np.float32)
        spine, centre = self.axis.x(ys).astype(np.float32), self.centre(ys).astype(np.float32)
        cage = (self.cage(ys) - 0.010 * span).astype(np.float32)
        air = np.zeros((ys.shape[0], xs.shape[1]), np.float32)
        heart = rng.normal(1.0, 0.12)
        bulge = 0.052 + 0.016 * np.exp(-(((t - 0.45) / 0.08) ** 2))
        crown = np.clip((t + 0.02) * span / 7, 0, 1)
        for sign, low in ((-1, 0.0), (1, 0.02)):
            outer = centre + sign * cage
            inner = 0.6 * spine + 0.4 * centre + sign * span * bulge
            wide = np.where(np.abs(outer - inner) < 1, 1, outer - inner)
            across = np.clip((xs - inner) / wide, 0, 1)
            dome = self.dome_t + low - 0.075 * (1 - (1.9 * (across - 0.42)) ** 2)
            floor = np.clip((dome - t) * (span / 2.5), 0, 1)
            air += np.sqrt(1 - np.square(np.square(2 * across - 1))) * floor * crown
        air *= 0.42 * span * self.lung_depth * (0.8 + 0.2 * np.clip(t / 0.4, 0, 1))
        edge = (spine + centre) / 2 + span * heart * np.interp(t, _HEART_T, _HEART)
        soft = np.clip((edge - xs) / 4, 0, 1) * (xs > spine)
        return np.asarray(air * (1 - rng.uniform(0.55, 0.85) * soft), np.float32)

    def _vessels(self, canvas: Canvas, rng: np.random.Generator) -> Map:
        """Return the blood along each ray, mm: branches fanning out from the two hila."""
        blood = canvas.empty()
        s = np.linspace(0, 1, 14)
        for sign in (-1, 1):
            y = self.y(0.29)
            x = 0.6 * float(self.axis.x(y)) + 0.4 * self.middle + sign * 0.085 * self.span
            for _ in range(24):
                angle = rng.uniform(-1.0, 1.5)
                reach = rng.uniform(0.07, 0.21) * self.span
                bend = rng.normal(0, 0.5) * s
                step = np.stack([sign * np.cos(angle + bend), np.sin(angle + bend)], 1)
                root = np.array([x, y]) + rng.normal(0, [0.012, 0.035]) * self.span
                path = root + step * ((0.05 + 0.95 * s) * reach)[:, None]
                radius = rng.uniform(1.5, 3.4) * (1 - 0.8 * s)
                fade = np.minimum(s * 5, 1) * (1 - 0.5 * s)
                add_tube(blood, canvas, path, radius, rng.uniform(1.5, 4.0), strength=fade)
        return np.minimum(blood, 30)

    def _windpipe(self, air: Map, canvas: Canvas) -> None:
        """Add the windpipe's air down to its fork at T4."""
        ys = np.linspace(self.y(-0.36), self.y(0.19), 24)
        path = np.stack([0.8 * self.axis.x(ys) + 0.2 * self.middle, ys], 1)
        ends = np.clip(np.minimum(np.arange(24), np.arange(24)[::-1] + 1) / 4, 0, 1)
        add_tube(air, canvas, path, 0.019 * self.span, 1.15, strength=ends)

    def gas(self, canvas: Canvas, rng: np.random.Generator) -> Map:
        """Return the gas in stomach and bowel along each ray, mm."""
        veil = canvas.empty()
        for _ in range(int(rng.integers(2, 9))):
            t = rng.choice([rng.uniform(0.75, 1.05), rng.uniform(1.1, 1.45)])
            y = self.y(float(t))
            side = rng.normal(0, 0.17 if t > 1.08 else 0.24) * self.span
            half = (rng.uniform(0.03, 0.10) * self.span, rng.uniform(0.02, 0.06) * self.span, 0.5)
            at = (float(self.centre(y)) + side, y)
            add_ellipsoid(veil, canvas, at, half, rng.uniform(0.7, 1.6), tilt=rng.normal(0, 0.5))
        bubbles = smooth_noise(rng, canvas.shape, 11 * canvas.px_per_mm)
        bubbles += 0.6 * smooth_noise(rng, canvas.shape, 5 * canvas.px_per_mm)
        gas = 26 * np.clip(veil, 0, 1) * np.clip(0.6 * bubbles + 0.25, 0, 1)
        if rng.random() < 0.8:
            at = (self.middle + 0.17 * self.span, self.y(self.dome_t + 0.02 + rng.uniform(0, 0.03)))
            half = (rng.uniform(0.05, 0.085) * self.span, rng.uniform(0.018, 0.035) * self.span, 20)
            add_ellipsoid(gas, canvas, at, half, 0.9, tilt=rng.normal(0, 0.12))
        return np.asarray(gas, np.float32)

    def attenuation(self, canvas: Canvas, rng: np.random.Generator) -> tuple[Map, Map]:
        """Return the soft tissue's attenuation, and where there is a body at all (0..1)."""
        depth = self.depth(canvas, rng)
        tissue = np.maximum(depth - np.minimum(self.air(canvas, rng), 0.9 * depth), 0)
        tissue = np.maximum(tissue - self.gas(canvas, rng), 0.25 * tissue)
        tissue *= 1 + 0.018 * smooth_noise(rng, canvas.shape, 24 * canvas.px_per_mm)
        tissue *= 1 + 0.012 * smooth_noise(rng, canvas.shape, 5 * canvas.px_per_mm)
        return np.asarray(SOFT * tissue, np.float32), np.clip(depth / 30, 0, 1)
