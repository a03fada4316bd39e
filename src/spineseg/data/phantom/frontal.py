"""A frontal whole-spine film: trunk, lungs, ribs, column, pelvis, seen from the front."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from .column import LABELLED, Column, Vertebra, sample_column
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

SOFT = 0.0125  # attenuation per mm; bone below is what it has beyond soft tissue
SPONGY = 0.0075
CORTICAL = 0.036


@dataclass(frozen=True)
class Scene:
    """Attenuation along each ray, and the outlines of what is labelled, in millimetres."""

    canvas: Canvas
    attenuation: Map
    outlines: dict[str, np.ndarray]


def frontal_scene(rng: np.random.Generator, rows_px: int, difficulty: float) -> Scene:
    """Return a frontal scene of `rows_px` rows; `difficulty` 0..1 bends and hides more."""
    column = sample_column(rng, 0.45 + 0.75 * difficulty)
    tight = rng.random() < 0.4  # Cropped to the column, as the thoracolumbar sets are.
    canvas, origin = _framing(rng, column, rows_px, tight)
    vertebrae = [_moved(v, origin) for v in column.vertebrae]
    axis = _Axis(vertebrae)
    trunk = _Trunk(rng, column.span_mm, axis)
    air = trunk.lungs(canvas, rng)
    depth = trunk.depth(canvas)
    attenuation = SOFT * np.maximum(depth - air, 0.12 * depth)
    attenuation *= 1 + 0.035 * smooth_noise(rng, canvas.shape, 22 * canvas.px_per_mm)
    _bowel(attenuation, canvas, rng, trunk)
    bone = canvas.empty()
    _ribs(bone, canvas, rng, vertebrae, trunk)
    _girdle(bone, canvas, rng, trunk)
    sacrum = (column.sacrum[0] + origin[0], column.sacrum[1] + origin[1], column.sacrum[2])
    _pelvis(bone, canvas, rng, sacrum, column.span_mm)
    _head(bone, canvas, rng, vertebrae[0])
    density = float(np.exp(rng.normal(0, 0.2)) * (1.0 - 0.45 * difficulty * rng.random()))
    outlines = {}
    for vertebra in vertebrae:
        body = _body(vertebra)
        body.add(bone, canvas, SPONGY * density, CORTICAL * density)
        _arch(bone, canvas, vertebra, density)
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


class _Axis:
    """The column's centre line: x at any y."""

    def __init__(self, vertebrae: list[Vertebra]) -> None:
        order = sorted(vertebrae, key=lambda v: v.y)
        self.ys = np.array([v.y for v in order])
        self.xs = np.array([v.x for v in order])
        self.by_level = {v.level: v for v in vertebrae}

    def x(self, y: np.ndarray | float) -> np.ndarray:
        return np.interp(y, self.ys, self.xs)


class _Trunk:
    """The trunk's outline and depth, its lungs and its diaphragm."""

    def __init__(self, rng: np.random.Generator, span: float, axis: _Axis) -> None:
        self.span, self.axis = span, axis
        self.top = axis.by_level["T1"].y
        self.bottom = axis.by_level["L5"].y
        fat = float(np.exp(rng.normal(0, 0.09)))
        anchors = np.array([-0.6, -0.30, -0.17, -0.08, 0.02, 0.18, 0.45, 0.72, 0.9, 1.1, 1.5])
        half = np.array([0.20, 0.155, 0.15, 0.30, 0.44, 0.42, 0.38, 0.34, 0.37, 0.44, 0.43])
        deep = np.array([0.42, 0.30, 0.29, 0.34, 0.42, 0.50, 0.54, 0.50, 0.50, 0.52, 0.46])
        self._anchor_y = self.top + anchors * span
        widths = half * span * fat * np.exp(rng.normal(0, 0.03, half.size))
        self._half_at = PchipInterpolator(self._anchor_y, widths)
        self._deep_at = PchipInterpolator(self._anchor_y, deep * span * fat)
        self.middle = float(0.5 * axis.x(self.top) + 0.5 * axis.x(self.bottom))
        self.dome = axis.by_level["T10"].y + rng.normal(0, 0.03) * span

    def half_width(self, y: np.ndarray | float) -> np.ndarray:
        return self._half_at(np.clip(y, self._anchor_y[0], self._anchor_y[-1]))

    def centre(self, y: np.ndarray | float) -> np.ndarray:
        return 0.35 * self.axis.x(y) + 0.65 * self.middle

    def depth(self, canvas: Canvas) -> Map:
        """Return the trunk's depth along each ray, mm; 0 in the air around it."""
        ys, xs = canvas.rows_mm(), canvas.columns_mm()
        rel = (xs - self.centre(ys)) / self.half_width(ys)
        deep = self._deep_at(np.clip(ys, self._anchor_y[0], self._anchor_y[-1]))
        return (deep * np.clip(1 - np.abs(rel) ** 2.6, 0, 1) ** 0.45).astype(np.float32)

    def lungs(self, canvas: Canvas, rng: np.random.Generator) -> Map:
        """Return the air along each ray, mm: two lungs, less the heart, above two domes."""
        ys, xs = canvas.rows_mm(), canvas.columns_mm()
        air = canvas.empty()
        apex = self.axis.by_level["T2"].y - 0.02 * self.span
        spine = self.axis.x(ys)
        for sign, low in ((-1, 0.0), (1, 0.018)):
            base = self.dome + low * self.span
            height = base - apex
            fall = np.clip((ys - apex) / height, 0, 1.4)
            outer = (
                self.half_width(ys)
                * 0.90
                * np.clip(np.sin(np.clip(fall + 0.10, 0, 0.62) * np.pi / 1.24), 0, 1)
            )
            inner = 0.055 * self.span + 0.02 * self.span * fall
            near, far = spine + sign * inner, self.centre(ys) + sign * outer
            across = (xs - near) / np.where(np.abs(far - near) < 1, 1, far - near)
            dome = base - 0.13 * self.span * (1 - (2.1 * np.abs(across - 0.42)) ** 2)
            crown = apex + 0.16 * self.span * np.abs(2 * across - 0.75) ** 2.2
            inside = np.clip(across * (1 - across) * 4, 0, 1) ** 0.4
            inside = inside * np.clip((ys - crown) / 6.0, 0, 1)
            floor = np.clip((dome - ys) / 2.0, 0, 1)
            air += 0.36 * self.span * inside * floor
        coarse = smooth_noise(rng, canvas.shape, 14 * canvas.px_per_mm)
        fine = smooth_noise(rng, canvas.shape, 4 * canvas.px_per_mm)
        air *= rng.uniform(0.50, 0.85) * (1 - 0.07 * np.clip(coarse + 0.6 * fine, -2, 2))
        heart = canvas.empty()
        t8 = self.axis.by_level["T8"]
        add_ellipsoid(
            heart,
            canvas,
            (t8.x + 0.09 * self.span, self.dome - 0.10 * self.span),
            (0.15 * self.span, 0.13 * self.span, 1.0),
            0.5,
            tilt=0.5,
        )
        return air * (1 - 0.72 * np.clip(heart, 0, 1))


def _bowel(attenuation: Map, canvas: Canvas, rng: np.random.Generator, trunk: _Trunk) -> None:
    """Take bowel gas out of the abdomen, and the stomach's bubble under the left dome."""
    gas = canvas.empty()
    for _ in range(int(rng.integers(4, 14))):
        y = rng.uniform(trunk.dome + 0.12 * trunk.span, trunk.bottom + 0.25 * trunk.span)
        x = trunk.centre(y) + rng.normal(0, 0.20) * trunk.span
        a, b = rng.uniform(0.012, 0.05, 2) * trunk.span
        add_ellipsoid(
            gas,
            canvas,
            (float(x), float(y)),
            (a, b, rng.uniform(6, 22)),
            SOFT,
            tilt=rng.uniform(0, 3),
        )
    add_ellipsoid(
        gas,
        canvas,
        (trunk.middle + 0.17 * trunk.span, trunk.dome + 0.03 * trunk.span),
        (0.07 * trunk.span, 0.03 * trunk.span, 25),
        SOFT,
    )
    np.maximum(attenuation - gas, 0.3 * attenuation, out=attenuation)


def _arch(bone: Map, canvas: Canvas, v: Vertebra, density: float) -> None:
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


def _ribs(
    bone: Map, canvas: Canvas, rng: np.random.Generator, vertebrae: list[Vertebra], trunk: _Trunk
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


def _girdle(bone: Map, canvas: Canvas, rng: np.random.Generator, trunk: _Trunk) -> None:
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


def _pelvis(
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


def _head(bone: Map, canvas: Canvas, rng: np.random.Generator, c3: Vertebra) -> None:
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
