"""The vertebrae of a lateral neck film: C1's arches, C2 with its dens, C3..T1."""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull

from spineseg.phantom.body import Body
from spineseg.phantom.places import Frame
from spineseg.phantom.planted import Planted
from spineseg.phantom.shapes import (
    Canvas,
    Map,
    add_ellipsoid,
    add_slab,
    add_tube,
    smooth_polygon,
    spline,
)
from spineseg.phantom.tissue import CORTICAL, SPONGY

_LEVELS = ("C3", "C4", "C5", "C6", "C7", "T1")
_AXIS = smooth_polygon(
    [[-10.0, -1.0], [-8.4, -9], [-7.0, -17], [-4.6, -22], [-4.0, -31],
     [-2.0, -36.5], [1.2, -37.8], [4.4, -35.5], [5.4, -30], [5.6, -21], [8.2, -13],
     [9.2, -2.6], [4, -2.4], [-4, -1.2]], 40
)  # fmt: skip
"""C2 with its dens, mm about its frame."""
_SPINOUS_MM = {"C3": 20, "C4": 21, "C5": 24, "C6": 31, "C7": 41, "T1": 43}


def sample_neck(
    rng: np.random.Generator, canvas: Canvas, size: float, difficulty: float, planted: Planted
) -> tuple[dict[str, Body], Frame]:
    """Return C3..T1 along a curve, and the frame at C3's upper end; discs and slips as planted."""
    bend = rng.normal(0.22, 0.13 + 0.08 * difficulty)  # radians over the neck
    if planted.bend_rad is not None:
        bend = planted.bend_rad
    start = rng.normal(0.0, 0.09)
    x = canvas.width_mm * rng.uniform(0.42, 0.53)
    y = canvas.height_mm * rng.uniform(0.36, 0.43)
    frame = Frame(float(x), float(y), float(start), size)
    bodies = {}
    below = 0.0
    for i, level in enumerate(_LEVELS):
        width = (18.0 + 0.5 * i) * size * np.exp(rng.normal(0, 0.03))
        height = (12.6 + 0.40 * i) * size * np.exp(rng.normal(0, 0.045))
        gap = (4.2 + 0.1 * i) * size * np.exp(rng.normal(0, 0.13))
        above = ("C2", *_LEVELS)[i]
        gap *= planted.disc_heights.get(above, 1.0)
        step = below + height / 2 + (gap if i else 0.5 * gap)
        tilt = start - bend * 0.5 * np.sin(np.pi * (i + 0.5) / 6) + bend * 1.1 * (i / 5) ** 1.3
        x, y = x - np.sin(tilt) * step, y + np.cos(tilt) * step
        back = planted.slips.get(above, 0.0) * width
        x, y = x + np.cos(tilt) * back, y + np.sin(tilt) * back
        bodies[level] = Body(
            float(x), float(y), float(width), float(height), 21 * size,
            float(tilt + rng.normal(0.06, 0.03)),
            float(rng.normal(0, 0.05)),
            waist=float(rng.uniform(0.05, 0.10)),
            wedge=float(rng.normal(-0.03, 0.03)),
            flare=float(rng.uniform(0.03, 0.10)),
            hollow=0.04,
            notch=float(rng.uniform(0.07, 0.13)),
            power=4.5,
        )  # fmt: skip
        below = height / 2
    return bodies, frame


def c2_corners(frame: Frame) -> np.ndarray:
    """Return the ends of C2's lower rim, and of its dens above, mm: (4, 2), as `Body.corners`.

    The rim is where the body would stand on a table: the hull's long edge below, as far as the
    outline stays within a millimetre of it.
    """
    below = ConvexHull(_AXIS[_AXIS[:, 1] > -6])
    ends = below.points[below.simplices]  # (edges, 2, 2)
    facing = ends[below.equations[:, 1] > 0.9]  # Those that look down.
    rim = facing[np.argmax(np.linalg.norm(facing[:, 0] - facing[:, 1], axis=1))]
    along = (rim[1] - rim[0]) / np.linalg.norm(rim[1] - rim[0])
    away = (below.points - rim[0]) @ np.stack([along, [-along[1], along[0]]], 1)
    upon = away[np.abs(away[:, 1]) < 1.0, 0]
    left, right = sorted((rim[0] + along * at).tolist() for at in (upon.min(), upon.max()))
    return frame.at([[-4.0, -31.0], [5.4, -30.0], right, left])


def add_lateral(
    bone: Map, canvas: Canvas, level: str, body: Body, density: float, rng: np.random.Generator
) -> None:
    """Add C3..T1 to `bone` in place: body, articular pillars, lamina, spinous process."""
    body.add(bone, canvas, SPONGY * 1.2 * density, CORTICAL * 0.48 * density, 1.2)
    own = Frame(body.x, body.y, body.tilt)
    w, h = body.width / 2, body.height / 2
    slip = rng.normal(0, 1.0) + rng.choice([-0.6, 0.6])
    uncus = smooth_polygon([[-0.2 * w, -0.9 * h], [w, -1.35 * h], [w, 0.2 * h], [0, -0.3 * h]])
    add_slab(
        bone, canvas, own.at(uncus), 8, 0.004 * density, round_mm=2, wall=0.9,
        wall_density=0.014 * density,
    )  # fmt: skip
    pillar = smooth_polygon(
        [[w - 1, -0.75 * h], [w + 1.5, -1.35 * h], [w + 6, -1.0 * h], [w + 10.5, 0.45 * h],
         [w + 12.5, 1.75 * h], [w + 10, 1.95 * h], [w + 3.5, 0.8 * h], [w - 1, 0.3 * h]], 50
    )  # fmt: skip
    for shift in (-slip, slip):  # The two sides do not fall quite on each other.
        add_slab(
            bone, canvas, own.at(pillar + np.array([shift * 0.5, shift])), 10, 0.0065 * density,
            round_mm=2.0, wall=1.0, wall_density=0.022 * density,
        )  # fmt: skip
    long = _SPINOUS_MM[level] * np.exp(rng.normal(0, 0.06))
    drop = 0.30 if level not in ("C7", "T1") else 0.16
    tip = np.array([w + 10 + long, 0.6 * h + drop * long])
    spinous = smooth_polygon(
        [[w + 9, -0.25 * h], [w + 13, 0.05 * h], [tip[0] - 5, tip[1] - 3.6], [tip[0], tip[1] - 1.5],
         [tip[0] - 1, tip[1] + 2.6], [w + 15, 1.25 * h], [w + 10, 1.15 * h]], 50
    )  # fmt: skip
    add_slab(
        bone, canvas, own.at(spinous), 6.0, 0.012 * density, round_mm=2.2, wall=0.9,
        wall_density=0.036 * density,
    )  # fmt: skip
    laminar = spline([[w + 10, -0.2 * h], [w + 12.0, 0.4 * h], [w + 11.5, 1.1 * h]], 20)
    add_tube(bone, canvas, own.at(laminar), 1.0, 0.05 * density)


def add_upper(bone: Map, canvas: Canvas, frame: Frame, density: float) -> dict[str, np.ndarray]:
    """Add C2 with its dens and C1's arches; return outlines of C1's anterior arch and of C2."""
    axis = frame.at(_AXIS)
    arch = frame.at(
        smooth_polygon(
            [[-10.4, -34.0], [-7.6, -36.0], [-5.4, -33.5], [-5.2, -28.5], [-6.6, -24.0],
             [-9.4, -24.0], [-12.0, -27.0], [-12.2, -31.0]], 20
        )
    )  # fmt: skip
    add_slab(
        bone, canvas, axis, 20, SPONGY * 1.2 * density, round_mm=2.5, wall=1.2,
        wall_density=0.017 * density,
    )  # fmt: skip
    add_slab(
        bone, canvas, arch, 15, SPONGY * 1.4 * density, round_mm=2, wall=1.2,
        wall_density=0.030 * density,
    )  # fmt: skip
    mass = smooth_polygon([[-6, -35], [9, -37], [11, -27], [6, -20], [-3, -21]])
    add_slab(
        bone, canvas, frame.at(mass), 20, 0.005 * density, round_mm=3, wall=1,
        wall_density=0.010 * density,
    )  # fmt: skip
    pillar = smooth_polygon([[4, -20], [12, -17], [19, -4], [21, 5], [17, 6], [10, -3], [5, -8]])
    add_slab(
        bone, canvas, frame.at(pillar), 10, 0.006 * density, round_mm=2, wall=1,
        wall_density=0.016 * density,
    )  # fmt: skip
    back = spline([[7, -30], [16, -29], [25, -28], [35, -24.5]])
    add_tube(
        bone, canvas, frame.at(back), np.linspace(2.6, 4.2, 40), 0.010 * density, wall=1.0,
        wall_density=0.030 * density,
    )  # fmt: skip
    add_ellipsoid(
        bone, canvas, frame.point(36, -23.5), (4.4, 4.6, 6), 0.006 * density, shell=1.2,
        shell_density=0.040 * density,
    )  # fmt: skip
    lamina = smooth_polygon(
        [
            [6, -16],
            [18, -18],
            [30, -16.5],
            [42, -12],
            [46, -6],
            [41, -3.5],
            [30, -5],
            [20, -3],
            [8, -5],
        ]
    )
    add_slab(
        bone, canvas, frame.at(lamina), 8, 0.011 * density, round_mm=3, wall=1.1,
        wall_density=0.024 * density,
    )  # fmt: skip
    return {"C1": arch, "C2": axis}
