"""How much of a solid a ray passes through: chord lengths of simple bodies, seen along z.

All lengths are millimetres. A `Canvas` is an isotropic grid; each shape is computed in its own
bounding box only and added to a map of attenuation (line integral, no unit).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.interpolate import CubicSpline

Map = np.ndarray  # (height, width) float32


@dataclass(frozen=True)
class Canvas:
    """An isotropic grid of pixels over a film."""

    width_mm: float
    height_mm: float
    px_per_mm: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return (
            max(1, round(self.height_mm * self.px_per_mm)),
            max(1, round(self.width_mm * self.px_per_mm)),
        )

    def empty(self) -> Map:
        """Return a map of zeros."""
        return np.zeros(self.shape, np.float32)

    def rows_mm(self) -> np.ndarray:
        """Return the y of each row's centre, (rows, 1)."""
        return ((np.arange(self.shape[0], dtype=np.float32) + 0.5) / self.px_per_mm)[:, None]

    def columns_mm(self) -> np.ndarray:
        """Return the x of each column's centre, (1, columns)."""
        return ((np.arange(self.shape[1], dtype=np.float32) + 0.5) / self.px_per_mm)[None, :]

    def patch(
        self, x: float, y: float, half_x: float, half_y: float
    ) -> tuple[slice, slice, np.ndarray, np.ndarray] | None:
        """Return row and column slices around a point and the grid's x, y there; None outside."""
        rows, columns = self.shape
        k = self.px_per_mm
        top, bottom = int((y - half_y) * k), int((y + half_y) * k) + 2
        left, right = int((x - half_x) * k), int((x + half_x) * k) + 2
        top, left, bottom, right = max(top, 0), max(left, 0), min(bottom, rows), min(right, columns)
        if top >= bottom or left >= right:
            return None
        xs = (np.arange(left, right, dtype=np.float32) + 0.5) / k
        ys = (np.arange(top, bottom, dtype=np.float32) + 0.5) / k
        return slice(top, bottom), slice(left, right), xs[None, :], ys[:, None]


def _turned(
    xs: np.ndarray, ys: np.ndarray, x: float, y: float, tilt: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the grid in coordinates centred at (x, y) and turned by `tilt` radians."""
    dx, dy = xs - x, ys - y
    cos, sin = np.cos(tilt), np.sin(tilt)
    return dx * cos + dy * sin, dy * cos - dx * sin


@dataclass(frozen=True)
class Body:
    """A vertebral body: a waisted cylinder of superelliptic section, leaning along the ray."""

    x: float
    y: float
    width: float
    height: float
    depth: float
    tilt: float  # radians, in the film's plane
    lean: float  # radians, out of it: opens the end plates into ellipses
    waist: float  # fraction of the half width lost at mid height
    wedge: float = 0.0  # fraction by which the left side is higher than the right
    flare: float = 0.0  # fraction of the height by which the corners stand out
    power: float = 2.0  # of the section; 2 an ellipse, 4 nearly a rectangle
    notch: float = 0.0  # fraction of the height that the lower edge is hollowed by

    def outline(self, points_per_side: int = 7) -> np.ndarray:
        """Return the silhouette in millimetres, (4 * points_per_side, 2), clockwise on the film."""
        t = np.linspace(-1, 1, points_per_side, endpoint=False)
        w, h = self.width / 2, self.height / 2
        reach = h + 0.35 * self.depth / 2 * abs(np.sin(self.lean))

        def edge(u: np.ndarray, lower: bool) -> np.ndarray:
            corner = np.clip((np.abs(u) - 0.7) / 0.3, 0, 1) ** 2
            rise = self.flare * self.height * corner
            hollow = (
                self.notch * self.height * (1 - u**2) if lower else 0.06 * self.height * (1 - u**2)
            )
            half = reach * (1 - self.wedge * u) + rise - hollow
            round_off = np.where(np.abs(u) > 0.9, 0.94, 1.0)
            return half * round_off

        def side(v: np.ndarray) -> np.ndarray:
            return w * (1 - self.waist * (1 - v**2)) * np.where(np.abs(v) > 0.9, 0.96, 1.0)

        top = np.stack([t * w, -edge(t, False)], 1)
        right = np.stack([side(t), t * reach * (1 - self.wedge)], 1)
        bottom = np.stack([-t * w, edge(-t, True)], 1)
        left = np.stack([-side(t), -t * reach * (1 + self.wedge)], 1)
        local = np.concatenate([top, right, bottom, left])
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        return np.stack(
            [
                self.x + local[:, 0] * cos - local[:, 1] * sin,
                self.y + local[:, 0] * sin + local[:, 1] * cos,
            ],
            axis=1,
        )

    def _chord(self, u: np.ndarray, v: np.ndarray, wall: float, plate: float) -> np.ndarray:
        """Return the chord of the body shrunk by `wall` at its sides and `plate` at its ends."""
        half_height = np.maximum(
            self.height / 2 * (1 - self.wedge * u / (self.width / 2)) - plate, 0.1
        )
        v = v + np.where(v > 0, 1, -1) * (
            (self.notch if self.notch else 0.06)
            * self.height
            * np.clip(1 - (2 * u / self.width) ** 2, 0, 1)
        ) * (np.abs(v) > self.height / 4)
        rel = np.clip(v / half_height, -1, 1)
        corner = self.flare * np.clip(np.abs(rel) - 0.7, 0, 1)
        half_width = self.width / 2 * (1 - self.waist * (1 - rel**2)) * (1 + corner) - wall
        half_depth = self.depth / 2 - wall
        inside = np.clip(1 - np.abs(u / np.maximum(half_width, 0.1)) ** self.power, 0, 1)
        z = half_depth * inside ** (1 / self.power)
        sin, cos = np.sin(self.lean), np.cos(self.lean)
        if abs(sin) < 0.02:
            return 2 * z * (np.abs(v) <= half_height)
        low, high = (-half_height - v * cos) / sin, (half_height - v * cos) / sin
        if sin < 0:
            low, high = high, low
        return np.clip(np.minimum(z, high) - np.maximum(z * -1, low), 0, None)

    def add(self, to: Map, canvas: Canvas, spongy: float, cortical: float) -> None:
        """Add the body's attenuation: `spongy` per mm inside, `cortical` per mm in a thin shell."""
        reach = 0.75 * np.hypot(self.width, self.height) + 0.5 * self.depth * abs(np.sin(self.lean))
        patch = canvas.patch(self.x, self.y, reach, reach)
        if patch is None:
            return
        rows, columns, xs, ys = patch
        u, v = _turned(xs, ys, self.x, self.y, self.tilt)
        outer = self._chord(u, v, 0.0, 0.0)
        inner = self._chord(u, v, 0.055 * self.width * 0.45, 0.07 * self.height)
        to[rows, columns] += spongy * outer + cortical * np.maximum(outer - inner, 0)


def add_ellipsoid(
    to: Map,
    canvas: Canvas,
    centre: tuple[float, float],
    half: tuple[float, float, float],
    density: float,
    *,
    tilt: float = 0.0,
    shell: float = 0.0,
    shell_density: float = 0.0,
) -> None:
    """Add an ellipsoid with half axes (x, y, z); `shell` mm of it are of `shell_density` more."""
    reach = max(half[0], half[1])
    patch = canvas.patch(centre[0], centre[1], reach, reach)
    if patch is None:
        return
    rows, columns, xs, ys = patch
    u, v = _turned(xs, ys, centre[0], centre[1], tilt)
    outer = 2 * half[2] * np.sqrt(np.clip(1 - (u / half[0]) ** 2 - (v / half[1]) ** 2, 0, 1))
    to[rows, columns] += density * outer
    if shell:
        a, b, c = (max(h - shell, 0.1) for h in half)
        inner = 2 * c * np.sqrt(np.clip(1 - (u / a) ** 2 - (v / b) ** 2, 0, 1))
        to[rows, columns] += shell_density * np.maximum(outer - inner, 0)


def add_tube(
    to: Map,
    canvas: Canvas,
    path: np.ndarray,
    radius: float,
    density: float,
    *,
    wall: float = 0.0,
    wall_density: float = 0.0,
    steepness: np.ndarray | None = None,
) -> None:
    """Add a tube along `path`, (points, 2) mm; `steepness` >= 1 lengthens chords where it is deep.

    The distance to the centre line comes from OpenCV's distance transform.
    """
    k = canvas.px_per_mm
    low, high = path.min(0) - radius - 1, path.max(0) + radius + 1
    middle, half = (low + high) / 2, (high - low) / 2
    patch = canvas.patch(middle[0], middle[1], half[0], half[1])
    if patch is None:
        return
    rows, columns, xs, ys = patch
    line = np.full((ys.shape[0], xs.shape[1]), 255, np.uint8)
    points = np.round((path * k - [columns.start, rows.start]) * 8).astype(np.int32)
    cv2.polylines(line, [points[:, None]], False, 0, 1, cv2.LINE_8, 3)
    if line.all():
        return
    distance = cv2.distanceTransform(line, cv2.DIST_L2, 3) / k
    outer = 2 * np.sqrt(np.clip(radius**2 - distance**2, 0, None))
    added = density * outer
    if wall:
        inner = 2 * np.sqrt(np.clip((radius - wall) ** 2 - distance**2, 0, None))
        added = added + wall_density * (outer - inner)
    if steepness is not None:
        factor = np.interp(
            ys[:, 0], *_sorted(path[:, 1], steepness)
        )  # A rib's depth changes slowly along y at its bend.
        added = added * factor[:, None]
    to[rows, columns] += added.astype(np.float32)


def _sorted(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(x)
    return x[order], y[order]


def add_slab(
    to: Map,
    canvas: Canvas,
    polygon: np.ndarray,
    depth: float,
    density: float,
    *,
    round_mm: float = 4.0,
    wall: float = 0.0,
    wall_density: float = 0.0,
) -> None:
    """Add a slab with the silhouette `polygon`, (points, 2) mm, edges rounded over `round_mm`."""
    k = canvas.px_per_mm
    low, high = polygon.min(0) - 2, polygon.max(0) + 2
    middle, half = (low + high) / 2, (high - low) / 2
    patch = canvas.patch(middle[0], middle[1], half[0], half[1])
    if patch is None:
        return
    rows, columns, xs, ys = patch
    mask = np.zeros((ys.shape[0] + 2, xs.shape[1] + 2), np.uint8)
    points = np.round((polygon * k - [columns.start - 1, rows.start - 1]) * 8).astype(np.int32)
    cv2.fillPoly(mask, [points[:, None]], 1, cv2.LINE_8, 3)
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 3)[1:-1, 1:-1] / k
    edge = np.clip(inside / round_mm, 0, 1)
    chord = depth * np.sqrt(1 - (1 - edge) ** 2)
    added = density * chord
    if wall:
        core = np.clip((inside - wall) / round_mm, 0, 1)
        inner = max(depth - 2 * wall, 0) * np.sqrt(1 - (1 - core) ** 2)
        added = added + wall_density * np.maximum(chord - inner, 0)
    to[rows, columns] += added.astype(np.float32)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], grain_px: float) -> Map:
    """Return noise of mean 0 and SD 1 that varies over `grain_px` pixels."""
    rows, columns = (max(2, int(np.ceil(side / max(grain_px, 1)))) + 2 for side in shape)
    coarse = rng.standard_normal((rows, columns)).astype(np.float32)
    return cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)


def smooth_polygon(corners: list[list[float]], points: int = 60) -> np.ndarray:
    """Return a closed smooth curve through `corners`, (points, 2): a periodic cubic spline."""
    closed = np.array([*corners, corners[0]], float)
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T) ** 0.5)])
    spline = CubicSpline(length, closed, bc_type="periodic")
    return np.asarray(spline(np.linspace(0, length[-1], points, endpoint=False)))
