"""A frontal whole-spine film: trunk, lungs, ribs, column, pelvis, seen from the front."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spineseg.phantom.frontal_column import LABELLED, Column, sample_column
from spineseg.phantom.planted import Planted
from spineseg.phantom.scene import Scene
from spineseg.phantom.shapes import Canvas, smooth_noise
from spineseg.phantom.skeleton import add_girdle, add_head, add_pelvis, add_ribs
from spineseg.phantom.trunk import Axis, Trunk
from spineseg.phantom.vertebra import add_frontal


def frontal_scene(
    rng: np.random.Generator, rows_px: int, difficulty: float, planted: Planted
) -> Scene:
    """Return a frontal scene of `rows_px` rows; `difficulty` 0..1 bends and hides more."""
    column = sample_column(rng, 0.45 + 0.75 * difficulty, planted.curve_deg)
    canvas, (x0, y0) = _framing(rng, column, rows_px, difficulty)
    vertebrae = [replace(v, x=v.x + x0, y=v.y + y0) for v in column.vertebrae]
    trunk = Trunk(rng, column.span_mm, Axis(vertebrae))
    attenuation, flesh = trunk.attenuation(canvas, rng)
    bone = canvas.empty()
    add_ribs(bone, canvas, rng, [v for v in vertebrae if v.level[0] == "T"], trunk)
    add_girdle(bone, canvas, rng, trunk)
    sacrum = (column.sacrum[0] + x0, column.sacrum[1] + y0, column.sacrum[2])
    add_pelvis(bone, canvas, rng, sacrum, column.span_mm)
    add_head(bone, canvas, rng, vertebrae[0], column.span_mm)
    density = float(np.exp(rng.normal(0.05, 0.18)) * (1.0 - 0.40 * difficulty * rng.random()))
    outlines, corners = {}, {}
    for v in vertebrae:
        body = add_frontal(bone, canvas, v, density)
        if v.level in LABELLED:
            outlines[v.level], corners[v.level] = body.outline(), body.corners()
    bone *= 1 + 0.10 * smooth_noise(rng, canvas.shape, 1.6 * canvas.px_per_mm)  # Trabeculae.
    return Scene(canvas, attenuation + bone * flesh, outlines, corners)


def _framing(
    rng: np.random.Generator, column: Column, rows_px: int, difficulty: float
) -> tuple[Canvas, tuple[float, float]]:
    """Return the film and where T1 lies on it; some are cropped to the column."""
    span = column.span_mm
    if rng.random() < 0.12 + 0.14 * difficulty:
        height = span / rng.uniform(0.78, 0.93)
        top = (height - span) * rng.uniform(0.2, 0.5)
        width = height / rng.uniform(1.9, 3.0)
    else:
        height = span / rng.uniform(0.45, 0.58)
        top = height * rng.uniform(0.15, 0.28)
        width = height / rng.uniform(2.5, 3.9)
    xs = [v.x for v in column.vertebrae]
    middle = (max(xs) + min(xs)) / 2
    width = max(width, (max(xs) - min(xs)) + 0.24 * span)
    x = width / 2 - middle + rng.normal(0, 0.03) * width
    return Canvas(float(width), float(height), rows_px / float(height)), (float(x), float(top))
