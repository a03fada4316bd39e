"""The rest of the skeleton on a frontal film: ribs, collar bones, shoulders, pelvis, head."""

from __future__ import annotations

import numpy as np

from spineseg.phantom.places import Vertebra
from spineseg.phantom.shapes import (
    Canvas,
    Map,
    add_ellipsoid,
    add_slab,
    add_tube,
    ridges,
    smooth_polygon,
    spline,
)
from spineseg.phantom.trunk import Trunk

_RIB_REACH = (0.62, 0.80, 0.91, 0.97, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.93, 0.62)
_RIB_TURN = (
    2.2,
    2.5,
    2.6,
    2.65,
    2.65,
    2.6,
    2.55,
    2.4,
    2.25,
    2.1,
    1.5,
    1.1,
)  # radians round the chest


def add_ribs(
    bone: Map, canvas: Canvas, rng: np.random.Generator, chest: list[Vertebra], trunk: Trunk
) -> None:
    """Add twelve pairs of ribs: each a sloping half ellipse in space, from its vertebra forward."""
    span = trunk.span
    slope, calcium = rng.normal(1.0, 0.13), float(np.exp(rng.normal(0, 0.2)))
    for i, v in enumerate(chest):
        fall = slope * span * (0.115 + 0.028 * min(i, 6))
        for sign in (-1, 1):
            angle = _RIB_TURN[i] * rng.normal(1, 0.03) * np.linspace(0, 1, 56) ** 1.4
            wide = float(trunk.cage(v.y + 0.45 * fall)) * _RIB_REACH[i]
            lateral = np.sin(angle) ** 0.75
            start = v.x + sign * 0.40 * v.width
            edge = float(trunk.centre(v.y + 0.4 * fall)) + sign * wide
            x = start + (edge - start) * lateral
            hump = 0.022 * span * np.sin(np.clip(angle / 1.1, 0, 1) * np.pi)
            y = (
                v.y - 0.38 * v.height - hump * (1.0 if i < 10 else 0.2)
                + fall * (1 - np.cos(angle)) / 2 * (1.0 if i < 10 else 1.7)
                + sign * v.tilt * wide * 0.45 * np.sin(angle)
            )  # fmt: skip
            z = -0.19 * span * np.cos(angle)
            flat = np.hypot(np.gradient(x), np.gradient(y))
            strength = np.clip(np.hypot(flat, np.gradient(z)) / np.maximum(flat, 0.3), 1, 2.6)
            strength *= np.interp(angle, [0, 1.5, 2.0, 2.7], [1.0, 1.0, 0.62, 0.42]) * (
                0.7 if i > 9 else 1.0
            )
            radius = (
                (0.0125 - 0.003 * (i > 9))
                * span
                * np.interp(angle / angle[-1], [0, 0.15, 0.8, 1], [0.75, 1, 1, 0.7])
            )
            path = np.stack([x, y], 1)
            add_tube(
                bone, canvas, path, radius, 0.005 * calcium,
                wall=1.2, wall_density=0.046 * calcium, strength=strength,
            )  # fmt: skip


def add_girdle(bone: Map, canvas: Canvas, rng: np.random.Generator, trunk: Trunk) -> None:
    """Add collar bones, shoulder blades and the heads of the upper arms."""
    span = trunk.span
    mid = float(trunk.axis.x(trunk.y(0.07))) * 0.7 + 0.3 * trunk.middle
    lift, tilt = rng.normal(0.02, 0.02), rng.normal(0, 0.03)
    for sign in (-1, 1):
        origin = np.array([mid, trunk.y(0.085)])
        scale = np.array([sign * span, span])
        collar = spline(
            [[0.035, 0.01], [0.14, -0.012], [0.27, -0.025 - lift], [0.42, -0.035 - lift]]
        )
        collar[:, 1] += sign * tilt * collar[:, 0]
        thick = np.interp(np.linspace(0, 1, 40), [0, 0.2, 0.7, 1], [9.0, 6.0, 5.0, 7.0])
        add_tube(bone, canvas, origin + collar * scale, thick, 0.004, wall=1.7, wall_density=0.042)
        blade = smooth_polygon(
            [
                [0.40, -0.02],
                [0.41, 0.05],
                [0.36, 0.15],
                [0.30, 0.34],
                [0.26, 0.20],
                [0.255, 0.03],
                [0.30, -0.02],
            ]
        )
        place = origin + (blade + np.array([0.02, 0.02])) * scale
        add_slab(bone, canvas, place, 5, 0.006, round_mm=3, wall=1.6, wall_density=0.035)
        ridge = spline([[0.28, 0.05], [0.36, 0.02], [0.45, -0.015]]) * scale
        add_tube(bone, canvas, origin + ridge, 4.0, 0.005, wall=1.2, wall_density=0.035)
        head = origin + np.array([0.475, 0.045]) * scale
        add_ellipsoid(
            bone, canvas, (head[0], head[1]), (21, 23, 21), 0.004, shell=1.6, shell_density=0.016
        )
        shaft = origin + spline([[0.485, 0.07], [0.50, 0.25], [0.52, 0.7]]) * scale
        add_tube(bone, canvas, shaft, 11, 0.002, wall=3.2, wall_density=0.024)


def add_pelvis(
    bone: Map,
    canvas: Canvas,
    rng: np.random.Generator,
    sacrum: tuple[float, float, float],
    span: float,
) -> None:
    """Add sacrum, iliac wings, pubic ring and thigh bones, hung from the sacrum's upper end."""
    x, y, tilt = sacrum
    tilt *= 0.6
    turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    scale = span * np.array([rng.normal(0.98, 0.05), rng.normal(1.0, 0.06)])

    def at(points: list[list[float]] | np.ndarray, sign: int = 1) -> np.ndarray:
        return np.array([x, y]) + (np.asarray(points) * [sign, 1] * scale) @ turn

    shape = smooth_polygon(
        [[-0.115, 0.02], [-0.06, -0.012], [0.0, -0.018], [0.06, -0.012], [0.115, 0.02],
         [0.10, 0.10], [0.055, 0.19], [0.02, 0.255], [0, 0.27], [-0.02, 0.255],
         [-0.055, 0.19], [-0.10, 0.10]]
    )  # fmt: skip
    add_slab(bone, canvas, at(shape), 24, 0.005, round_mm=12, wall=1.5, wall_density=0.010)
    for row in range(4):
        for sign in (-1, 1):
            hole = at([[0.052 - 0.008 * row, 0.04 + 0.045 * row]], sign)[0]
            add_ellipsoid(
                bone, canvas, (hole[0], hole[1]), (5, 3.5, 7), -0.008, shell=1, shell_density=0.022
            )
    for sign in (-1, 1):
        wing = smooth_polygon(
            [[0.075, 0.05], [0.105, -0.005], [0.165, -0.035], [0.235, -0.030], [0.30, 0.02],
             [0.345, 0.10], [0.330, 0.175], [0.305, 0.22], [0.30, 0.28], [0.285, 0.33],
             [0.225, 0.36], [0.190, 0.29], [0.165, 0.215], [0.115, 0.16], [0.085, 0.12]], 90
        )  # fmt: skip
        add_slab(bone, canvas, at(wing, sign), 8, 0.012, round_mm=5, wall=2.0, wall_density=0.034)
        rim = spline(
            [[0.105, -0.005], [0.165, -0.033], [0.235, -0.028], [0.30, 0.022], [0.34, 0.10]]
        )
        add_tube(bone, canvas, at(rim, sign), 3.4, 0.012, wall=1.0, wall_density=0.026)
        brim = spline(
            [
                [0.06, 0.10],
                [0.12, 0.155],
                [0.172, 0.225],
                [0.190, 0.29],
                [0.165, 0.36],
                [0.10, 0.41],
                [0.012, 0.435],
            ]
        )
        add_tube(bone, canvas, at(brim, sign), 2.6, 0.024, wall=1.0, wall_density=0.030)
        for line, radius in (
            ([[0.23, 0.35], [0.15, 0.40], [0.07, 0.425], [0.012, 0.445]], 7.5),
            ([[0.012, 0.46], [0.05, 0.505], [0.11, 0.555], [0.165, 0.575]], 6.0),
            ([[0.225, 0.36], [0.215, 0.46], [0.185, 0.56]], 10.0),
        ):
            add_tube(
                bone, canvas, at(spline(line), sign), radius, 0.005, wall=1.6, wall_density=0.022
            )
        head = at([[0.262, 0.375]], sign)[0]
        size = 0.054 * span
        add_ellipsoid(
            bone,
            canvas,
            (head[0], head[1]),
            (size, size, size),
            0.004,
            shell=1.6,
            shell_density=0.014,
        )
        socket = spline(
            [[0.215, 0.40], [0.205, 0.36], [0.225, 0.325], [0.265, 0.31], [0.305, 0.325]]
        )
        add_tube(bone, canvas, at(socket, sign), 2.0, 0.030, wall=0.8, wall_density=0.026)
        neck = spline([[0.27, 0.38], [0.31, 0.42], [0.345, 0.46]])
        add_tube(
            bone, canvas, at(neck, sign), np.linspace(16, 19, 40), 0.005, wall=2, wall_density=0.018
        )
        shaft = spline([[0.345, 0.42], [0.345, 0.55], [0.325, 0.9]])
        add_tube(
            bone,
            canvas,
            at(shaft, sign),
            np.linspace(19, 14, 40),
            0.003,
            wall=4,
            wall_density=0.020,
        )


def add_head(
    bone: Map, canvas: Canvas, rng: np.random.Generator, c3: Vertebra, span: float
) -> None:
    """Add jaw, teeth and the base of the skull above the neck."""
    x, y = c3.x + rng.normal(0, 0.01) * span, c3.y - rng.uniform(-0.05, 0.03) * span

    def at(points: list[list[float]] | np.ndarray) -> np.ndarray:
        return np.array([x, y]) + np.asarray(points) * span

    jaw = spline([[-0.165, -0.27], [-0.15, -0.15], [-0.135, -0.09], [-0.08, -0.03], [0, -0.005],
                  [0.08, -0.03], [0.135, -0.09], [0.15, -0.15], [0.165, -0.27]], 60)  # fmt: skip
    add_tube(bone, canvas, at(jaw), 0.020 * span, 0.014, wall=2.4, wall_density=0.028)
    centre = at([[0, -0.30]])[0]
    add_ellipsoid(
        bone, canvas, (centre[0], centre[1]), (0.19 * span, 0.27 * span, 85), 0.0040,
        shell=5, shell_density=0.008,
    )  # fmt: skip
    cells = canvas.empty()
    at_cells, half = (centre[0], centre[1] + 0.03 * span), (0.15 * span, 0.20 * span, 0.5)
    add_ellipsoid(cells, canvas, at_cells, half, 1.0)
    rows = int((at_cells[1] + half[1]) * canvas.px_per_mm) + 2
    if rows > 2:
        cells = cells[:rows]
        bone[:rows] += 0.5 * cells * ridges(rng, cells.shape, 9 * canvas.px_per_mm)
    for i in range(14):
        u = (i - 6.5) / 7
        for row, tall in ((-0.075, 8.0), (-0.115, 8.0)):
            tooth = at([[0.075 * u, row + 0.02 * -(u**2)]])[0]
            add_ellipsoid(bone, canvas, (tooth[0], tooth[1]), (2.0, tall, 5), 0.03)
