"""From attenuation to a film: Beer-Lambert, scatter, photon noise, exposure, what lies upon it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import cv2
import numpy as np

from spineseg.errors import ConfigError
from spineseg.levels import View
from spineseg.phantom.frontal import frontal_scene
from spineseg.phantom.lateral import lateral_scene
from spineseg.phantom.overlays import add_margins, add_markers
from spineseg.phantom.planted import AS_DRAWN, Planted
from spineseg.phantom.scene import Scene
from spineseg.phantom.shapes import Map, smooth_noise

VIEWS: tuple[View, ...] = get_args(View)  # Their order is part of each film's seed.
_ROWS_PER_PIXEL = {"frontal": 1.9, "lateral": 1.15}  # Film rows for each row of the square picture.
_MIN_VISIBLE = 0.6  # Part of a body that must lie on the film for it to be labelled.


@dataclass(frozen=True)
class Film:
    """A synthetic X-ray, squeezed to a square as the real exports are, and its labels."""

    pixels: np.ndarray  # (size, size) uint8
    outlines: dict[str, np.ndarray]  # level -> (points, 2) float, x and y in 0..1
    corners: dict[str, np.ndarray]  # level -> (4, 2) alike: what it was made of, not drawn
    aspect: float  # True width over height, before it was squeezed.


def render_film(
    view: View,
    size_px: int,
    seed: int | tuple[int, ...],
    difficulty: float = 0.5,
    planted: Planted = AS_DRAWN,
) -> Film:
    """Return the film of `seed`; the same seed gives the same pixels.

    `difficulty` 0..1 adds curvature, noise, uneven exposure and things that lie in the way.
    Raises ConfigError for a size, view or difficulty that makes no film.
    """
    if view not in VIEWS or size_px < 64 or not 0 <= difficulty <= 1:
        raise ConfigError(
            f"phantom: view {view!r}, size {size_px} px, difficulty {difficulty}: must be frontal "
            "or lateral, at least 64 px, and 0..1; mend the source"
        )
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    rows = round(size_px * _ROWS_PER_PIXEL[view])
    make = frontal_scene if view == "frontal" else lateral_scene
    scene = make(rng, rows, difficulty, planted)
    grey = _exposed(scene, rng, view, difficulty)
    height, width = grey.shape
    grey = add_markers(grey, rng, view, difficulty)
    warp = add_margins(rng, view, (height, width))
    grey = cv2.warpPerspective(grey, warp, (width, height), flags=cv2.INTER_LINEAR, borderValue=0)
    grey = cv2.resize(grey, (size_px, size_px), interpolation=cv2.INTER_AREA)
    if view == "lateral" and rng.random() < 0.03:
        grey = 1 - grey
    grey = grey + rng.normal(0, 0.004 + 0.010 * difficulty * rng.random(), grey.shape)
    pixels = np.clip(np.round(grey * 255), 0, 255).astype(np.uint8)
    outlines = _outlines(scene, warp, (height, width))
    corners = {
        level: _on_film(scene.corners[level], scene, warp, (height, width))
        for level in outlines
        if level in scene.corners
    }
    return Film(pixels, outlines, corners, width / height)


def _exposed(scene: Scene, rng: np.random.Generator, view: View, difficulty: float) -> Map:
    """Return grey values 0..1: what a digital detector shows of the rays that arrive."""
    k = scene.canvas.px_per_mm
    blur = 0.30 * k * rng.uniform(0.6, 1.5)
    primary = np.exp(-cv2.GaussianBlur(scene.attenuation, (0, 0), max(blur, 0.3)))
    share = rng.uniform(0.05, 0.12 + 0.12 * difficulty)
    arriving = (1 - share) * primary + share * _wide(primary, 28 * k)
    photons = 10 ** rng.uniform(4.0, 4.9 - 0.5 * difficulty)
    noise = rng.standard_normal(arriving.shape).astype(np.float32)
    arriving = arriving + noise * np.sqrt(np.maximum(arriving, 1e-4) / photons)
    dense = -np.log(np.maximum(arriving, 3e-4))
    dense += 0.08 * difficulty * smooth_noise(rng, dense.shape, 160 * k)
    return _windowed(_evened(dense, rng, k, view), scene.attenuation > 0.12, rng, view)


def _wide(of: Map, sigma_px: float) -> Map:
    """Return a Gaussian blur so wide that an eighth of the pixels carry it."""
    small = cv2.resize(of, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), max(sigma_px / 8, 0.8))
    return cv2.resize(small, (of.shape[1], of.shape[0]), interpolation=cv2.INTER_CUBIC)


def _evened(dense: Map, rng: np.random.Generator, k: float, view: View) -> Map:
    """Return the film as consoles show it: wide differences held back, fine ones brought out."""
    keep = rng.uniform(0.40, 0.95) if view == "frontal" else rng.uniform(0.55, 0.95)
    gain = rng.uniform(1.0, 1.5 if keep > 0.7 else 1.9)
    base = _wide(dense, rng.uniform(16, 26) * k)
    fine = cv2.GaussianBlur(dense, (0, 0), max(3.5 * k, 0.8))
    return np.asarray(keep * base + (fine - base) + gain * (dense - fine), np.float32)


def _windowed(dense: Map, inside: np.ndarray, rng: np.random.Generator, view: View) -> Map:
    """Return the grey values of a film whose window is set by what lies inside the body."""
    within = dense[inside] if inside.any() else dense
    if view == "frontal":
        low, high = np.percentile(within, [rng.uniform(0.3, 3.5), rng.uniform(99.3, 99.9)])
        floor, ceiling, gamma = (
            rng.uniform(0, 0.09),
            rng.uniform(0.78, 0.96),
            rng.normal(1.14, 0.17),
        )
    else:
        low, high = np.percentile(within, [rng.uniform(0.3, 3.0), rng.uniform(99.2, 99.9)])
        floor, ceiling, gamma = (
            rng.uniform(0.03, 0.14),
            rng.uniform(0.84, 0.97),
            rng.normal(0.64, 0.11),
        )
    scaled = np.clip((dense - low) / max(high - low, 0.1), -0.2, 1.08)
    grey = floor + (ceiling - floor) * np.clip(scaled, 0, None) ** max(gamma, 0.5)
    return np.asarray(np.clip(grey + 0.5 * floor * np.minimum(scaled, 0) / 0.2, 0, 1), np.float32)


def _outlines(scene: Scene, warp: np.ndarray, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """Return the outlines on the square picture, cut at its border, those hardly on it left out."""
    found = {}
    for level, points in scene.outlines.items():
        moved = _on_film(points, scene, warp, shape)
        cut = np.clip(moved, 0, 1)
        whole, left = _area(moved), _area(cut)
        if left > _MIN_VISIBLE * whole:
            found[level] = cut
    return found


def _on_film(
    points: np.ndarray, scene: Scene, warp: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Return points in mm, (points, 2), as fractions of the picture."""
    px = (points * scene.canvas.px_per_mm).astype(np.float32)[None]
    return np.asarray(cv2.perspectiveTransform(px, warp)[0] / shape[::-1])


def _area(points: np.ndarray) -> float:
    x, y = points.T
    return float(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2)
