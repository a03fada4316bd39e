"""A vertebra seen from the front: body, pedicles, processes, facets."""

from __future__ import annotations

import numpy as np

from spineseg.phantom.body import Body
from spineseg.phantom.places import Vertebra
from spineseg.phantom.shapes import Canvas, Map, add_ellipsoid, add_slab, add_tube, smooth_polygon
from spineseg.phantom.tissue import CORTICAL, SPONGY


def frontal_body(v: Vertebra) -> Body:
    """Return the body of `v` as the front view shows it."""
    lumbar = v.level.startswith("L")
    return Body(
        v.x, v.y, v.width * 1.07, v.height * (0.91 if lumbar else 0.95), v.depth, v.tilt, v.lean,
        waist=0.11 if lumbar else 0.075,
        wedge=v.wedge,
        flare=0.07 if lumbar else 0.04,
        hollow=0.05,
        notch=0.15 if v.level == "L5" else 0.06,
        power=2.6,
    )  # fmt: skip


def add_frontal(bone: Map, canvas: Canvas, v: Vertebra, density: float) -> Body:
    """Add `v` to `bone`, (rows, columns) attenuation, in place; return its body."""
    body = frontal_body(v)
    body.add(bone, canvas, SPONGY * density, CORTICAL * 0.66 * density, 1.0 + 0.012 * v.width)
    _arch(bone, canvas, v, density)
    return body


def _arch(bone: Map, canvas: Canvas, v: Vertebra, density: float) -> None:
    """Add what lies behind the body; axial rotation shifts it across."""
    cos, sin = np.cos(v.tilt), np.sin(v.tilt)
    turn = np.array([[cos, sin], [-sin, cos]])
    w, h = v.width, v.height

    def at(points: list[list[float]] | np.ndarray) -> np.ndarray:
        return np.array([v.x, v.y]) + (np.asarray(points) * [w, h]) @ turn

    lumbar, neck = v.level.startswith("L"), v.level.startswith("C")
    shift = float(np.sin(v.twist)) * v.depth / w
    for sign in (-1, 1):
        u = sign * 0.30 * np.cos(v.twist) - shift * 0.55
        near = 1 - 0.35 * np.clip(sign * v.twist, -0.6, 0.6)
        ((x, y),) = at([[u, -0.16]])
        half = (max(0.088 * w * near, 1.6), 0.225 * h, 5.0)
        add_ellipsoid(
            bone, canvas, (x, y), half, 0.005 * density, tilt=v.tilt + sign * 0.12,
            shell=1.3, shell_density=0.030 * density,
        )  # fmt: skip
        reach, rise = (0.98, -0.10) if lumbar else (0.66, -0.02) if neck else (0.82, -0.22)
        if v.level == "T12":
            reach = 0.66
        path = at([[sign * 0.40 - shift * 0.6, -0.06], [sign * reach - shift * 0.9, rise]])
        add_tube(
            bone, canvas, path, np.array([0.15, 0.11]) * h + 0.5, 0.006 * density,
            wall=0.9, wall_density=0.013 * density,
        )  # fmt: skip
        for end, tall in ((-0.50, 0.24), (0.50, 0.30)):
            ((x, y),) = at([[sign * (0.26 if end < 0 else 0.20) - shift * 0.9, end]])
            add_ellipsoid(
                bone, canvas, (x, y), (0.085 * w, tall * h, 5.5), 0.006 * density,
                tilt=v.tilt + sign * 0.22, shell=1.0, shell_density=0.012 * density,
            )  # fmt: skip
    lamina = [[-0.26, 0.0], [0.0, -0.10], [0.26, 0.0], [0.22, 0.42], [0.0, 0.30], [-0.22, 0.42]]
    add_slab(
        bone, canvas, at(smooth_polygon(lamina) - np.array([shift, 0])), 5,
        0.007 * density, round_mm=2.5, wall=0.9, wall_density=0.014 * density,
    )  # fmt: skip
    drop = 0.55 if not (lumbar or neck) else 0.28
    drop = drop if v.level not in ("T11", "T12") else 0.3
    tear = [[0.0, -0.16], [0.035, 0.05], [0.055, 0.24], [0.0, 0.34], [-0.055, 0.24], [-0.035, 0.05]]
    add_slab(
        bone, canvas, at(smooth_polygon(tear, 36) + np.array([-shift * 1.45, drop - 0.1])), 15,
        0.006 * density, round_mm=2.2, wall=0.9, wall_density=0.022 * density,
    )  # fmt: skip
