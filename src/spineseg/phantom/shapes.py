"""How much of a solid a ray passes through: chord lengths of simple bodies, seen along z.

All lengths are millimetres. A `Canvas` is an isotropic grid; each shape is computed in its own
bounding box only and added to a map of attenuation (line integral, no unit).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

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


def turned(
    xs: np.ndarray, ys: np.ndarray, x: float, y: float, tilt: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the grid in coordinates centred at (x, y) and turned by `tilt` radians."""
    dx, dy = xs - x, ys - y
    cos, sin = np.cos(tilt), np.sin(tilt)
    return dx * cos + dy * sin, dy * cos - dx * sin


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
    u, v = turned(xs, ys, centre[0], centre[1], tilt)
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
    radius: float | np.ndarray,
    density: float,
    *,
    wall: float = 0.0,
    wall_density: float = 0.0,
    strength: np.ndarray | None = None,
) -> None:
    """Add a tube along `path`, (points, 2) mm; `radius` may vary along it, (points,) mm.

    `strength`, (points,), multiplies its chords: above 1 where the tube runs along the ray,
    towards 0 where it ends. Each pixel belongs to the path's nearest piece (OpenCV's labelled
    distance transform).
    """
    k = canvas.px_per_mm
    radii = np.broadcast_to(np.asarray(radius, np.float32), (len(path),))
    margin = float(radii.max()) + 1
    low, high = path.min(0) - margin, path.max(0) + margin
    middle, half = (low + high) / 2, (high - low) / 2
    patch = canvas.patch(middle[0], middle[1], half[0], half[1])
    if patch is None:
        return
    rows, columns, xs, ys = patch
    line = np.full((ys.shape[0], xs.shape[1]), 255, np.uint8)
    points = np.round((path * k - [columns.start, rows.start] - 0.5) * 8).astype(np.int32)
    cv2.polylines(line, [points[:, None]], False, 0, 1, cv2.LINE_8, 3)
    if line.all():
        return
    if strength is None and radii.min() == radii.max():
        distance = cv2.distanceTransform(line, cv2.DIST_L2, 5) / k
        reach: float | np.ndarray = float(radii[0])
        factor: float | np.ndarray = 1.0
    else:
        distance, label = cv2.distanceTransformWithLabels(
            line, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
        )
        distance = distance / k
        on_y, on_x = np.nonzero(line == 0)
        at = np.stack([on_x, on_y], 1)[:, None] * 8 - points[None]
        nearest = np.argmin((at * at).sum(2), axis=1)
        piece = np.zeros(int(label.max()) + 1, np.intp)
        piece[label[on_y, on_x]] = nearest
        reach = radii[piece][label]
        factor = 1.0 if strength is None else strength.astype(np.float32)[piece][label]
    outer = 2 * np.sqrt(np.clip(reach**2 - distance**2, 0, None))
    added = density * outer
    if wall:
        core = np.maximum(reach - wall, 0)
        added = added + wall_density * (
            outer - 2 * np.sqrt(np.clip(core**2 - distance**2, 0, None))
        )
    to[rows, columns] += (added * factor).astype(np.float32)


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
    """Return a closed smooth curve through `corners`, (points, 2): a Catmull-Rom spline."""
    through = np.array(corners, float)
    return _catmull_rom(np.concatenate([through[-1:], through, through[:2]]), points, False)


def spline(points: list[list[float]], count: int = 40) -> np.ndarray:
    """Return an open smooth curve through `points`, (count, 2): a Catmull-Rom spline."""
    p = np.array(points, float)
    return _catmull_rom(np.stack([2 * p[0] - p[1], *p, 2 * p[-1] - p[-2]]), count, True)


def _catmull_rom(p: np.ndarray, count: int, ends: bool) -> np.ndarray:
    """Return `count` points from p[1] to p[-2], the last included where it `ends`."""
    at = np.linspace(0, len(p) - 3, count, endpoint=ends)
    piece = np.minimum(at.astype(int), len(p) - 4)
    s = (at - piece)[:, None]
    a, b, c, e = (p[piece + i] for i in range(4))
    return np.asarray(
        b + 0.5 * s * (c - a + s * (2 * a - 5 * b + 4 * c - e + s * (3 * (b - c) + e - a)))
    )


def ridges(rng: np.random.Generator, shape: tuple[int, int], grain_px: float) -> Map:
    """Return 0..1, near 1 along the crests of two scales of noise: walls of small air cells."""
    coarse = 1 - np.abs(smooth_noise(rng, shape, grain_px))
    fine = 1 - np.abs(smooth_noise(rng, shape, grain_px / 2.2))
    return np.clip(0.62 * coarse + 0.38 * fine, 0, 1) ** 3
