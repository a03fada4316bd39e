"""The head on a lateral neck film: vault and base of the skull, air cells, jaws, teeth, hyoid."""

from __future__ import annotations

import numpy as np

from spineseg.phantom.places import Frame
from spineseg.phantom.shapes import (
    Canvas,
    Map,
    add_ellipsoid,
    add_slab,
    add_tube,
    ridges,
    smooth_noise,
    smooth_polygon,
    spline,
)


def add_skull(bone: Map, canvas: Canvas, rng: np.random.Generator, frame: Frame) -> None:
    """Add the head's bones to `bone` in place; `frame` sits at C3's upper end."""
    vault = smooth_polygon(
        [[-30, -62], [-4, -54], [12, -47], [26, -37], [45, -30], [64, -31], [86, -41], [106, -62],
         [118, -100], [80, -160], [-60, -160], [-110, -110], [-70, -70]], 120
    )  # fmt: skip
    add_slab(bone, canvas, frame.at(vault), 120, 0.0085, round_mm=45, wall=6.0, wall_density=0.006)
    inner = spline([[10, -52], [28, -42], [46, -36], [64, -37], [85, -48], [101, -66]])
    add_tube(bone, canvas, frame.at(inner), 1.6, 0.09)
    outer = spline(
        [[14, -46], [27, -36.5], [45, -30], [64, -31], [86, -41], [106, -62], [114, -90]]
    )
    add_tube(bone, canvas, frame.at(outer), 1.3, 0.11)
    _base(bone, canvas, rng, frame)
    _jaws(bone, canvas, rng, frame)


def _base(bone: Map, canvas: Canvas, rng: np.random.Generator, frame: Frame) -> None:
    """Add the base of the skull: mastoid cells, petrous bone, sinus walls."""
    petrous = smooth_polygon(
        [
            [-22, -60],
            [-4, -54],
            [6, -49],
            [14, -44],
            [22, -42],
            [36, -46],
            [44, -60],
            [30, -72],
            [-18, -74],
        ]
    )
    add_slab(bone, canvas, frame.at(petrous), 48, 0.010, round_mm=20)
    cells = canvas.empty()
    add_ellipsoid(cells, canvas, frame.point(25, -54), (30, 20, 0.5), 1.0)
    add_ellipsoid(cells, canvas, frame.point(-6, -62), (32, 18, 0.5), 0.8)
    add_ellipsoid(cells, canvas, frame.point(-62, -66), (48, 26, 0.5), 0.5)
    k = canvas.px_per_mm
    bone += np.clip(cells, 0, 1) ** 4 * (
        0.9 * ridges(rng, canvas.shape, 6 * k)
        + 0.3 * np.clip(smooth_noise(rng, canvas.shape, 7 * k), -1, 1)
        + 0.2
    )
    for _ in range(46):  # Walls of sinuses and orbits, each seen edge on somewhere.
        x, y = rng.uniform(-105, 40), rng.uniform(-95, -52)
        angle, reach = rng.uniform(0, np.pi), rng.uniform(10, 34)
        step = np.array([np.cos(angle), np.sin(angle)]) * reach
        bow = np.array([-step[1], step[0]]) * rng.normal(0, 0.3)
        wall = spline(
            [[x, y], list(np.array([x, y]) + step / 2 + bow), [x + step[0], y + step[1]]], 24
        )
        fade = np.sin(np.linspace(0, np.pi, 24)) ** 0.5
        add_tube(
            bone,
            canvas,
            frame.at(wall),
            rng.uniform(0.7, 1.3),
            rng.uniform(0.06, 0.16),
            strength=fade,
        )
    midface = smooth_polygon(
        [[-112, -58], [-60, -56], [-20, -60], [-10, -80], [-50, -110], [-112, -110]]
    )
    add_slab(bone, canvas, frame.at(midface), 40, 0.008, round_mm=14)
    for x, y, a, b in ((-70, -72, 20, 14), (-100, -72, 14, 18), (-44, -80, 12, 9)):
        place = frame.point(x + rng.normal(0, 3), y + rng.normal(0, 3))
        add_ellipsoid(
            bone, canvas, place, (a, b, 14), -0.016, tilt=rng.normal(0, 0.3), shell=1.0,
            shell_density=0.030,
        )  # fmt: skip


def _jaws(bone: Map, canvas: Canvas, rng: np.random.Generator, frame: Frame) -> None:
    """Add palate, jaw, teeth and hyoid; the bite opens a little."""
    bite = rng.uniform(0, 5)
    face = smooth_polygon(
        [[-48, -52], [-44, -40], [-54, -34], [-108, -34], [-112, -52], [-80, -55]]
    )
    add_slab(bone, canvas, frame.at(face), 40, 0.009, round_mm=6, wall=1.5, wall_density=0.006)
    palate = spline([[-42, -47], [-70, -49], [-110, -48]])
    add_tube(bone, canvas, frame.at(palate), 1.8, 0.06)
    gums = smooth_polygon([[-46, -42], [-112, -40], [-114, 6], [-46, -2]])
    add_slab(bone, canvas, frame.at(gums), 50, 0.008, round_mm=6)
    for side in (0.0, rng.normal(0, 3.0)):
        jaw = np.array(
            smooth_polygon(
                [[-18, -58], [-24, -40], [-28, -22], [-30, -6], [-38, 2], [-62, 8], [-90, 13],
                 [-112, 14], [-112, -14], [-84, -16], [-56, -18], [-48, -30],
                 [-42, -48], [-30, -52]], 90
            )
        )  # fmt: skip
        lower = jaw + np.array([side, bite + 0.6 * side])
        add_slab(bone, canvas, frame.at(lower), 16, 0.008, round_mm=4, wall=2.2, wall_density=0.013)
    for i in range(9):
        for row in (-34.0, -20.0 + bite):
            molar = i < 4
            x = -52 - 6.4 * i + rng.normal(0, 0.5)
            half = (3.3 if molar else 2.6, 6.2, 8)
            place = frame.point(x, row + 0.4 * i + rng.normal(0, 0.5))
            add_ellipsoid(bone, canvas, place, half, 0.022, tilt=frame.tilt + rng.normal(0, 0.06))
            for root in (-1.4, 1.4) if molar else (0.0,):
                up = -8 if row < -28 else 8
                foot = frame.point(x + root, row + up + 0.4 * i)
                add_ellipsoid(bone, canvas, foot, (1.3, 6, 5), 0.016, tilt=frame.tilt)
    sag = rng.normal(0, 2.5)
    horn = spline([[-26, 9 + sag], [-36, 11 + sag], [-47, 12 + sag]])
    add_tube(
        bone, canvas, frame.at(horn), np.linspace(1.6, 2.6, 40), 0.012, wall=0.8, wall_density=0.03
    )
    add_ellipsoid(
        bone, canvas, frame.point(-49, 13 + sag), (3.0, 4.6, 6), 0.012, tilt=0.3, shell=1,
        shell_density=0.024,
    )  # fmt: skip
