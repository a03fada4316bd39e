"""A lateral neck film: skull base, jaw, column, airway, shoulders; the face looks left."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from ...levels import CERVICAL
from .frontal import CORTICAL, SOFT, SPONGY, Scene
from .shapes import (
    Body,
    Canvas,
    Map,
    add_ellipsoid,
    add_slab,
    add_tube,
    smooth_noise,
    smooth_polygon,
)

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
    _skull(bone, canvas, rng, frame)
    outlines = _upper(bone, canvas, frame, density)
    for level, body in bodies.items():
        body.add(bone, canvas, SPONGY * 1.15 * density, CORTICAL * 0.62 * density)
        _arch(bone, canvas, body, level, density, rng)
        outlines[level] = body.outline()
    wedge = _shoulders(rng, canvas, bodies["C7"])
    attenuation += bone * np.clip(attenuation / 0.4, 0, 1)
    attenuation *= 1 + 0.02 * smooth_noise(rng, canvas.shape, 18 * canvas.px_per_mm)
    labelled = {level: outlines[level] for level in CERVICAL}
    if _covered(wedge, canvas, labelled["C7"]) > 0.55:
        del labelled["C7"]
    return Scene(canvas, attenuation + wedge, labelled)


class _Frame:
    """Where the upper neck sits: C3's upper end and its tilt."""

    def __init__(self, x: float, y: float, tilt: float, size: float) -> None:
        self.x, self.y, self.tilt, self.size = x, y, tilt, size

    def at(self, points: np.ndarray | list[list[float]]) -> np.ndarray:
        """Return points of the local frame (x to the back, y down, mm) on the film."""
        p = np.asarray(points, float) * self.size
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        return np.stack(
            [self.x + p[:, 0] * cos - p[:, 1] * sin, self.y + p[:, 0] * sin + p[:, 1] * cos], 1
        )

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return one such point."""
        px, py = self.at([[x, y]])[0]
        return float(px), float(py)


def _column(
    rng: np.random.Generator, canvas: Canvas, size: float, difficulty: float
) -> tuple[dict[str, Body], _Frame]:
    """Return C3..T1 along a lordotic to straight curve, and the frame of C1 and C2 above."""
    bend = rng.normal(0.16, 0.11 + 0.08 * difficulty)  # radians over the neck; lordosis positive
    start = rng.normal(-0.02, 0.10)
    x = canvas.width_mm * rng.uniform(0.36, 0.47)
    y = canvas.height_mm * rng.uniform(0.30, 0.37)
    frame = _Frame(float(x), float(y), float(start), size)
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


def _skull(bone: Map, canvas: Canvas, rng: np.random.Generator, frame: _Frame) -> None:
    """Add skull, jaw, teeth and hyoid."""
    cx, cy = frame.point(26, -108 + rng.normal(0, 3))
    add_ellipsoid(
        bone, canvas, (cx, cy), (92, 72, 68), 0.003, tilt=-0.12, shell=6, shell_density=0.016
    )
    add_slab(
        bone,
        canvas,
        frame.at(
            smooth_polygon(
                [
                    [-30, -62],
                    [5, -52],
                    [16, -44],
                    [48, -44],
                    [70, -52],
                    [60, -70],
                    [0, -76],
                    [-40, -74],
                ]
            )
        ),
        60,
        0.006,
        round_mm=10,
        wall=2,
        wall_density=0.012,
    )
    add_ellipsoid(
        bone, canvas, frame.point(16, -48), (9, 12, 20), 0.008, shell=2, shell_density=0.01
    )
    jaw = smooth_polygon(
        [
            [-28, -52],
            [-22, -28],
            [-34, -4],
            [-70, 6],
            [-96, 2],
            [-94, -18],
            [-52, -20],
            [-44, -34],
            [-42, -56],
        ]
    )
    add_slab(bone, canvas, frame.at(jaw), 30, 0.006, round_mm=5, wall=2.4, wall_density=0.014)
    for i in range(8):
        for row in (-26, -38):
            add_ellipsoid(
                bone, canvas, frame.point(-50 - 6.2 * i, row), (2.7, 6.5, 9), 0.03, tilt=frame.tilt
            )
    add_slab(
        bone,
        canvas,
        frame.at(smooth_polygon([[-46, -44], [-98, -44], [-98, -70], [-60, -74], [-44, -64]])),
        40,
        0.004,
        round_mm=8,
        wall=2,
        wall_density=0.01,
    )
    hyoid = frame.at([[-34, 18], [-44, 21], [-54, 20]])
    add_tube(bone, canvas, hyoid, 2.4, 0.02, wall=0.8, wall_density=0.03)


def _upper(bone: Map, canvas: Canvas, frame: _Frame, density: float) -> dict[str, np.ndarray]:
    """Add C2 with its dens, C1's arches; return the outlines of C1's anterior arch and C2."""
    axis = frame.at(
        smooth_polygon(
            [
                [-9.0, -1.5],
                [-7.6, -14],
                [-3.8, -22],
                [-3.4, -33],
                [1.0, -37],
                [5.0, -33],
                [5.0, -22],
                [7.8, -13],
                [9.0, -2.2],
                [0, -3.6],
            ],
            36,
        )
    )
    add_slab(
        bone,
        canvas,
        axis,
        20,
        SPONGY * 1.2 * density,
        round_mm=2.5,
        wall=1.3,
        wall_density=0.030 * density,
    )
    arch = frame.at(
        smooth_polygon(
            [
                [-10.6, -34.5],
                [-7.0, -36.5],
                [-5.4, -30],
                [-6.4, -23.5],
                [-10.0, -24.5],
                [-12.2, -29.5],
            ],
            20,
        )
    )
    add_slab(
        bone,
        canvas,
        arch,
        16,
        SPONGY * 1.6 * density,
        round_mm=2,
        wall=1.1,
        wall_density=0.035 * density,
    )
    lateral = frame.at(smooth_polygon([[-6, -34], [8, -35], [10, -25], [-4, -23]]))
    add_slab(bone, canvas, lateral, 22, 0.006 * density, round_mm=4)
    back = frame.at([[8, -29], [20, -30], [31, -27]])
    add_tube(bone, canvas, back, 4.0, 0.008 * density, wall=1.1, wall_density=0.035 * density)
    add_ellipsoid(
        bone,
        canvas,
        frame.point(33, -27),
        (4.5, 5.5, 6),
        0.01 * density,
        shell=1.2,
        shell_density=0.04,
    )
    lamina = frame.at(
        smooth_polygon([[8, -18], [24, -17], [44, -12], [46, -3], [34, -1], [12, -6]])
    )
    add_slab(
        bone, canvas, lamina, 9, 0.012 * density, round_mm=3, wall=1.2, wall_density=0.03 * density
    )
    return {"C1": arch, "C2": axis}


def _arch(
    bone: Map, canvas: Canvas, body: Body, level: str, density: float, rng: np.random.Generator
) -> None:
    """Add articular pillars, laminae and the spinous process behind a body."""
    frame = _Frame(body.x, body.y, body.tilt, 1.0)
    w, h = body.width / 2, body.height / 2
    slip = rng.normal(0, 0.8)
    for shift in (-slip, slip):  # The two sides do not fall quite on each other.
        pillar = [
            [w + 0.5, -0.9 * h],
            [w + 9, -1.5 * h],
            [w + 12, 0.3 * h],
            [w + 4, 1.35 * h],
            [w + 0.5, 0.3 * h],
        ]
        add_slab(
            bone,
            canvas,
            frame.at(np.array(pillar) + shift),
            9,
            0.008 * density,
            round_mm=2.5,
            wall=1.1,
            wall_density=0.022 * density,
        )
    long = {"C3": 24, "C4": 25, "C5": 28, "C6": 34, "C7": 44, "T1": 46}[level]
    tip = [w + 10 + long * 0.8, 1.25 * h + 0.10 * long]
    spinous = [
        [w + 10, -0.1 * h],
        [tip[0] - 6, tip[1] - 5.5],
        tip,
        [tip[0] - 3, tip[1] + 3.5],
        [w + 11, 0.95 * h],
    ]
    add_slab(
        bone,
        canvas,
        frame.at(smooth_polygon(spinous, 30)),
        5,
        0.012 * density,
        round_mm=2.5,
        wall=1.1,
        wall_density=0.035 * density,
    )


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
