"""The bones of a frontal film beside the vertebral bodies: arches, ribs, girdle, jaw."""

from __future__ import annotations

import numpy as np

from .column import Vertebra
from .shapes import Canvas, Map, add_ellipsoid, add_slab, add_tube, smooth_polygon
from .trunk import Trunk


def add_arch(bone: Map, canvas: Canvas, v: Vertebra, density: float) -> None:
    """Add pedicles, spinous and transverse processes; twist shifts them against the body."""
    cos, sin = np.cos(v.tilt), np.sin(v.tilt)

    def at(u: float, w: float) -> tuple[float, float]:
        return v.x + u * cos - w * sin, v.y + u * sin + w * cos

    lumbar = v.level.startswith("L")
    shift = np.sin(v.twist) * v.depth * 0.55
    for sign in (-1, 1):
        u = sign * 0.29 * v.width * np.cos(v.twist) - shift * 0.6
        add_ellipsoid(
            bone,
            canvas,
            at(u, -0.14 * v.height),
            (0.072 * v.width, 0.20 * v.height, 7),
            0.004 * density,
            tilt=v.tilt,
            shell=1.1,
            shell_density=0.05 * density,
        )
        reach = (0.92 if lumbar else 0.72) * v.width
        tip = at(sign * reach - shift, (-0.10 if lumbar else -0.32) * v.height)
        root = at(sign * 0.34 * v.width - shift * 0.7, -0.05 * v.height)
        add_tube(
            bone,
            canvas,
            np.array([root, tip]),
            0.10 * v.height + 0.6,
            0.010 * density,
            wall=0.8,
            wall_density=0.02 * density,
        )
        facet = at(sign * 0.24 * v.width - shift, 0.52 * v.height)
        add_ellipsoid(
            bone,
            canvas,
            facet,
            (0.075 * v.width, 0.22 * v.height, 6),
            0.006 * density,
            tilt=v.tilt + sign * 0.25,
        )
    spine = at(-shift * 1.5, 0.30 * v.height)
    add_ellipsoid(
        bone,
        canvas,
        spine,
        (0.042 * v.width, 0.30 * v.height, 16),
        0.008 * density,
        tilt=v.tilt,
        shell=0.9,
        shell_density=0.022 * density,
    )


def add_ribs(
    bone: Map, canvas: Canvas, rng: np.random.Generator, vertebrae: list[Vertebra], trunk: Trunk
) -> None:
    """Add twelve pairs of ribs, each a tube from its vertebra round the chest to the front."""
    chest = [v for v in vertebrae if v.level.startswith("T")]
    slope = rng.normal(0.30, 0.05)
    for number, v in enumerate(chest, start=1):
        full = {1: 0.75, 11: 0.52, 12: 0.36}.get(number, 1.0)
        for sign in (-1, 1):
            angle = np.linspace(0.12, 2.75 * full, 46)
            wide = trunk.half_width(v.y + 0.1 * trunk.span) * {1: 0.40, 2: 0.62, 3: 0.76}.get(
                number, 0.84
            )
            if number == 12:
                wide *= 0.75
            reach = np.sin(np.minimum(angle, np.pi / 2)) * (angle < np.pi / 2) + (
                1 - 0.55 * (1 - np.sin(angle))
            ) * (angle >= np.pi / 2)
            start = sign * 0.42 * v.width
            x = v.x + start + (trunk.centre(v.y) + sign * wide - v.x - start) * reach
            fall = slope * trunk.span * (0.10 + 0.055 * min(number, 8)) * 2.1
            y = (
                v.y
                - 0.35 * v.height
                - 0.018 * trunk.span * np.sin(angle * 1.6).clip(0)
                + fall * (1 - np.cos(angle)) / 2 * (1.0 if number < 11 else 1.3)
                + sign * v.tilt * wide * 0.5 * np.sin(angle)
            )
            deep = 1 + 1.1 * np.exp(-(((angle - np.pi / 2) / 0.28) ** 2))
            radius = (4.2 if number > 1 else 4.8) * (0.8 if number > 10 else 1.0) * trunk.span / 395
            back = angle <= np.pi / 2 + 0.15
            front = angle >= np.pi / 2 - 0.15
            for part, strength in ((back, 1.0), (front, 0.6)):
                if part.sum() > 2:
                    add_tube(
                        bone,
                        canvas,
                        np.stack([x, y], 1)[part],
                        radius,
                        0.004 * strength,
                        wall=1.2,
                        wall_density=0.042 * strength,
                        steepness=deep[part],
                    )


def add_girdle(bone: Map, canvas: Canvas, rng: np.random.Generator, trunk: Trunk) -> None:
    """Add collar bones, shoulder blades and the heads of the upper arms."""
    t3 = trunk.axis.by_level["T3"]
    lift = rng.normal(0.10, 0.03) * trunk.span
    for sign in (-1, 1):
        t = np.linspace(0, 1, 20)
        x = trunk.centre(t3.y) + sign * (0.045 + 0.33 * t) * trunk.span
        y = t3.y - lift * t + 0.02 * trunk.span * np.sin(2 * np.pi * t)
        add_tube(bone, canvas, np.stack([x, y], 1), 6.0, 0.004, wall=1.4, wall_density=0.022)
        cx = trunk.centre(t3.y) + sign * 0.31 * trunk.span
        blade = smooth_polygon(
            [[0.09, -0.06], [0.10, 0.04], [0.01, 0.30], [-0.06, 0.05], [-0.02, -0.05]]
        )
        add_slab(
            bone,
            canvas,
            np.array([cx, t3.y]) + blade * [sign * trunk.span, trunk.span],
            6,
            0.006,
            wall=1.5,
            wall_density=0.03,
        )
        add_ellipsoid(
            bone,
            canvas,
            (float(cx + sign * 0.13 * trunk.span), float(t3.y - 0.01 * trunk.span)),
            (24, 26, 24),
            0.006,
            shell=2,
            shell_density=0.02,
        )


def add_head(bone: Map, canvas: Canvas, rng: np.random.Generator, c3: Vertebra) -> None:
    """Add jaw, teeth and the skull's base above the neck."""
    x, y = c3.x + rng.normal(0, 3), c3.y - rng.uniform(4, 26)
    add_ellipsoid(bone, canvas, (x, y - 62), (74, 78, 85), 0.004, shell=6, shell_density=0.020)
    t = np.linspace(-1, 1, 24)
    jaw = np.stack([x + 56 * t, y + 6 - 46 * np.abs(t) ** 2.2], 1)
    add_tube(bone, canvas, jaw, 9, 0.012, wall=2.2, wall_density=0.03)
    for i in range(12):
        add_ellipsoid(
            bone,
            canvas,
            (x + (i - 5.5) * 6.2, y - 20 - 0.03 * (i - 5.5) ** 2 * 20),
            (2.8, 7, 5),
            0.03,
        )
    add_ellipsoid(bone, canvas, (x, y - 40), (60, 9, 40), 0.010)
