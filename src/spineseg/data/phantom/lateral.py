"""A lateral neck film: skull base, jaw, column, airway, shoulders; the face looks left."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from ...levels import CERVICAL
from .lateral_bones import Frame, add_neural_arch, add_skull, add_upper_neck
from .shapes import Body, Canvas, Map, smooth_noise
from .tissue import CORTICAL, SOFT, SPONGY, Scene

_BODIES = ("C3", "C4", "C5", "C6", "C7", "T1")


def lateral_scene(rng: np.random.Generator, rows_px: int, difficulty: float) -> Scene:
    """Return a lateral neck scene; C7 is unlabelled where the shoulders swallow it whole."""
    height = float(rng.normal(186, 10))
    canvas = Canvas(height * rng.uniform(0.86, 1.06), height, rows_px / height)
    size = float(np.exp(rng.normal(0, 0.05)))
    bodies, frame = _column(rng, canvas, size, difficulty)
    attenuation = _flesh(rng, canvas, bodies)
    bone = canvas.empty()
    density = float(np.exp(rng.normal(0.05, 0.18)) * (1.0 - 0.4 * difficulty * rng.random()))
    add_skull(bone, canvas, rng, frame)
    outlines = add_upper_neck(bone, canvas, frame, density)
    for level, body in bodies.items():
        body.add(bone, canvas, SPONGY * 1.15 * density, CORTICAL * 0.62 * density)
        add_neural_arch(bone, canvas, body, level, density, rng)
        outlines[level] = body.outline()
    wedge = _shoulders(rng, canvas, bodies["C7"])
    attenuation += bone * np.clip(attenuation / 0.4, 0, 1)
    attenuation *= 1 + 0.02 * smooth_noise(rng, canvas.shape, 18 * canvas.px_per_mm)
    labelled = {level: outlines[level] for level in CERVICAL}
    if _covered(wedge, canvas, labelled["C7"]) > 0.55:
        del labelled["C7"]
    return Scene(canvas, attenuation + wedge, labelled)


def _column(
    rng: np.random.Generator, canvas: Canvas, size: float, difficulty: float
) -> tuple[dict[str, Body], Frame]:
    """Return C3..T1 along a lordotic to straight curve, and the frame of C1 and C2 above."""
    bend = rng.normal(0.16, 0.11 + 0.08 * difficulty)  # radians over the neck; lordosis positive
    start = rng.normal(-0.02, 0.10)
    x = canvas.width_mm * rng.uniform(0.36, 0.47)
    y = canvas.height_mm * rng.uniform(0.30, 0.37)
    frame = Frame(float(x), float(y), float(start), size)
    bodies = {}
    tilt, step = start, 0.0
    for i, level in enumerate(_BODIES):
        width = (17.2 + 0.55 * i) * size * np.exp(rng.normal(0, 0.025))
        height = (13.2 + 0.35 * i) * size * np.exp(rng.normal(0, 0.04))
        gap = (4.0 + 0.1 * i) * size * np.exp(rng.normal(0, 0.12))
        step = height / 2 + (gap if i else 0.5 * gap) + step
        tilt = (
            start - bend * 1.6 * np.sin(np.pi * (i + 0.5) / 6) * 0.35 + bend * 1.1 * (i / 5) ** 1.3
        )
        x, y = x - np.sin(tilt) * step, y + np.cos(tilt) * step
        bodies[level] = Body(
            float(x),
            float(y),
            float(width),
            float(height),
            22 * size,
            float(tilt + rng.normal(0, 0.025)),
            float(rng.normal(0, 0.05)),
            waist=0.07,
            flare=0.08,
            power=4.5,
            wedge=float(rng.normal(0.02, 0.02)),
            notch=0.05,
        )
        step = height / 2
    return bodies, frame


def _flesh(rng: np.random.Generator, canvas: Canvas, bodies: dict[str, Body]) -> Map:
    """Return the soft tissue's attenuation: neck between throat and nape, less the airway."""
    ys, xs = canvas.rows_mm(), canvas.columns_mm()
    levels = list(bodies.values())
    spine = np.interp(ys, [b.y for b in levels], [b.x for b in levels])
    top, low = levels[0].y, levels[-1].y
    inside = np.clip(ys, top - 60, low + 30)
    to_throat = PchipInterpolator(
        [top - 60, top - 20, top + 8, low - 20, low + 30], [120, 90, 58, 48, 90]
    )
    to_nape = PchipInterpolator([top - 60, top - 5, low - 25, low + 30], [112, 66, 66, 125])
    throat = spine - to_throat(inside) * rng.uniform(0.85, 1.1)
    nape = spine + to_nape(inside) * rng.uniform(0.9, 1.2)
    across = np.clip((xs - throat) / (nape - throat), 0, 1)
    depth = 125 * np.clip(4 * across * (1 - across), 0, 1) ** 0.42
    front = spine - 17 - 4 * np.sin((ys - top) / 30)
    wide = 6 + 3 * np.clip((ys - top) / 40, 0, 1.4)
    air = 16 * np.sqrt(np.clip(1 - ((xs - front) / wide) ** 2, 0, 1))
    air = air * np.clip((ys - top + 32) / 16, 0, 1)
    return (SOFT * np.maximum(depth - 1.6 * air, 0)).astype(np.float32)


def _shoulders(rng: np.random.Generator, canvas: Canvas, c7: Body) -> Map:
    """Return the attenuation of the shoulders, whose upper edge lies near C7."""
    ys, xs = canvas.rows_mm(), canvas.columns_mm()
    edge = c7.y + rng.normal(4, 10.5)
    peak = c7.x + rng.normal(12, 14)
    steep = rng.uniform(0.0016, 0.0042)
    line = edge + steep * (xs - peak) ** 2 * np.where(xs < peak, 1.0, 0.45)
    deep = np.clip((ys - line) / rng.uniform(9, 22), 0, None)
    return (1.75 * (1 - np.exp(-deep))).astype(np.float32)


def _covered(wedge: Map, canvas: Canvas, outline: np.ndarray) -> float:
    """Return how dark to the rays the shoulders are over an outline's middle, 0..1."""
    x, y = outline.mean(0) * canvas.px_per_mm
    rows, columns = wedge.shape
    return float(wedge[min(int(max(y, 0)), rows - 1), min(int(max(x, 0)), columns - 1)] / 1.75)
