"""The pelvis of a frontal film: sacrum, iliac wings, pubic ring, heads of the thighs."""

from __future__ import annotations

import numpy as np

from .shapes import Canvas, Map, add_ellipsoid, add_slab, smooth_polygon


def add_pelvis(
    bone: Map,
    canvas: Canvas,
    rng: np.random.Generator,
    sacrum: tuple[float, float, float],
    span: float,
) -> None:
    """Add sacrum, iliac wings, pubic ring and the heads of the thighs."""
    x, y, tilt = sacrum
    cos, sin = np.cos(tilt), np.sin(tilt)
    turn = np.array([[cos, sin], [-sin, cos]])
    wide = rng.normal(1.0, 0.06)
    shape = smooth_polygon(
        [
            [-0.135, 0.0],
            [-0.06, -0.012],
            [0.06, -0.012],
            [0.135, 0.0],
            [0.115, 0.07],
            [0.045, 0.19],
            [0, 0.23],
            [-0.045, 0.19],
            [-0.115, 0.07],
        ]
    )
    add_slab(
        bone,
        canvas,
        np.array([x, y]) + (shape * [wide, 1] * span) @ turn,
        26,
        0.006,
        round_mm=14,
        wall=1.5,
        wall_density=0.018,
    )
    for row in range(4):
        for sign in (-1, 1):
            hole = np.array([sign * (0.058 - 0.008 * row), 0.035 + 0.045 * row]) * span
            px, py = np.array([x, y]) + hole @ turn
            add_ellipsoid(
                bone,
                canvas,
                (float(px), float(py)),
                (5, 4, 9),
                -0.006,
                shell=1,
                shell_density=0.025,
            )
    wing = smooth_polygon(
        [
            [0.105, 0.03],
            [0.12, -0.055],
            [0.20, -0.125],
            [0.29, -0.105],
            [0.345, -0.01],
            [0.335, 0.09],
            [0.285, 0.17],
            [0.20, 0.20],
            [0.135, 0.16],
        ]
    )
    for sign in (-1, 1):
        place = np.array([x, y])
        add_slab(
            bone,
            canvas,
            place + (wing * [sign * wide, 1] * span) @ turn,
            9,
            0.010,
            round_mm=6,
            wall=2.2,
            wall_density=0.035,
        )
        ring = smooth_polygon(
            [
                [0.20, 0.20],
                [0.175, 0.27],
                [0.10, 0.335],
                [0.02, 0.35],
                [0.02, 0.39],
                [0.13, 0.385],
                [0.25, 0.30],
                [0.285, 0.18],
            ]
        )
        add_slab(
            bone,
            canvas,
            place + (ring * [sign * wide, 1] * span) @ turn,
            16,
            0.006,
            round_mm=7,
            wall=2,
            wall_density=0.024,
        )
        head = place + (np.array([sign * 0.27 * wide, 0.235]) * span) @ turn
        add_ellipsoid(
            bone,
            canvas,
            (float(head[0]), float(head[1])),
            (23, 23, 23),
            0.006,
            shell=2,
            shell_density=0.02,
        )
