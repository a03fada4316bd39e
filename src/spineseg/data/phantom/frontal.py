"""A frontal whole-spine film: trunk, lungs, ribs, column, pelvis, seen from the front."""

from __future__ import annotations

import numpy as np

from .column import LABELLED, Column, Vertebra, sample_column
from .frontal_bones import add_arch, add_girdle, add_head, add_ribs
from .pelvis import add_pelvis
from .shapes import Body, Canvas, smooth_noise
from .tissue import CORTICAL, SOFT, SPONGY, Scene
from .trunk import Axis, Trunk, take_bowel_gas


def frontal_scene(rng: np.random.Generator, rows_px: int, difficulty: float) -> Scene:
    """Return a frontal scene of `rows_px` rows; `difficulty` 0..1 bends and hides more."""
    column = sample_column(rng, 0.45 + 0.75 * difficulty)
    tight = rng.random() < 0.4  # Cropped to the column, as the thoracolumbar sets are.
    canvas, origin = _framing(rng, column, rows_px, tight)
    vertebrae = [_moved(v, origin) for v in column.vertebrae]
    axis = Axis(vertebrae)
    trunk = Trunk(rng, column.span_mm, axis)
    air = trunk.lungs(canvas, rng)
    depth = trunk.depth(canvas)
    attenuation = SOFT * np.maximum(depth - air, 0.12 * depth)
    attenuation *= 1 + 0.035 * smooth_noise(rng, canvas.shape, 22 * canvas.px_per_mm)
    take_bowel_gas(attenuation, canvas, rng, trunk)
    bone = canvas.empty()
    add_ribs(bone, canvas, rng, vertebrae, trunk)
    add_girdle(bone, canvas, rng, trunk)
    sacrum = (column.sacrum[0] + origin[0], column.sacrum[1] + origin[1], column.sacrum[2])
    add_pelvis(bone, canvas, rng, sacrum, column.span_mm)
    add_head(bone, canvas, rng, vertebrae[0])
    density = float(np.exp(rng.normal(0, 0.2)) * (1.0 - 0.45 * difficulty * rng.random()))
    outlines = {}
    for vertebra in vertebrae:
        body = _body(vertebra)
        body.add(bone, canvas, SPONGY * density, CORTICAL * density)
        add_arch(bone, canvas, vertebra, density)
        if vertebra.level in LABELLED:
            outlines[vertebra.level] = body.outline()
    attenuation += bone * (depth > 0)
    return Scene(canvas, attenuation, outlines)


def _framing(
    rng: np.random.Generator, column: Column, rows_px: int, tight: bool
) -> tuple[Canvas, tuple[float, float]]:
    """Return the film and where T1 lies on it."""
    span = column.span_mm
    if tight:
        height = span / rng.uniform(0.78, 0.93)
        top = (height - span) * rng.uniform(0.2, 0.5)
        width = height / rng.uniform(2.3, 3.8)
    else:
        height = span / rng.uniform(0.48, 0.64)
        top = height * rng.uniform(0.15, 0.28)
        width = height / rng.uniform(2.2, 3.4)
    xs = [v.x for v in column.vertebrae]
    middle = (max(xs) + min(xs)) / 2
    width = max(width, (max(xs) - min(xs)) + 0.24 * span)
    x = width / 2 - middle + rng.normal(0, 0.03) * width
    return Canvas(float(width), float(height), rows_px / float(height)), (float(x), float(top))


def _moved(v: Vertebra, origin: tuple[float, float]) -> Vertebra:
    return Vertebra(
        v.level,
        v.x + origin[0],
        v.y + origin[1],
        v.width,
        v.height,
        v.tilt,
        v.lean,
        v.twist,
        v.depth,
    )


def _body(v: Vertebra) -> Body:
    lumbar = v.level.startswith("L")
    return Body(
        v.x,
        v.y,
        v.width * 1.04,
        v.height,
        v.depth,
        v.tilt,
        v.lean,
        waist=0.10 if lumbar else 0.07,
        flare=0.09 if lumbar else 0.04,
        power=2.6,
        notch=0.13 if v.level == "L5" else 0.0,
    )
