"""The bones of a lateral neck film beside C3..T1: skull, jaw, C1, C2, arches."""

from __future__ import annotations

import numpy as np

from .shapes import Body, Canvas, Map, add_ellipsoid, add_slab, add_tube, smooth_polygon
from .tissue import SPONGY


class Frame:
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


def add_skull(bone: Map, canvas: Canvas, rng: np.random.Generator, frame: Frame) -> None:
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


def add_upper_neck(
    bone: Map, canvas: Canvas, frame: Frame, density: float
) -> dict[str, np.ndarray]:
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


def add_neural_arch(
    bone: Map, canvas: Canvas, body: Body, level: str, density: float, rng: np.random.Generator
) -> None:
    """Add articular pillars, laminae and the spinous process behind a body."""
    frame = Frame(body.x, body.y, body.tilt, 1.0)
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
