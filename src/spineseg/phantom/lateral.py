"""A lateral neck film: head, column, throat, nape and shoulders; the face looks left."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from spineseg.levels import CERVICAL
from spineseg.phantom.body import Body
from spineseg.phantom.neck import add_lateral, add_upper, c2_corners, sample_neck
from spineseg.phantom.places import Frame
from spineseg.phantom.planted import Planted
from spineseg.phantom.scene import Scene
from spineseg.phantom.shapes import Canvas, Map, add_tube, smooth_noise, spline
from spineseg.phantom.skull import add_skull
from spineseg.phantom.tissue import SOFT

_WEDGE = 3.2  # attenuation of the shoulders where they are thickest
_LOST = 0.56  # part of that over C7's middle beyond which C7 is not labelled


def lateral_scene(
    rng: np.random.Generator, rows_px: int, difficulty: float, planted: Planted
) -> Scene:
    """Return a lateral neck scene; C7 is unlabelled where the shoulders swallow it whole."""
    height = float(rng.normal(204, 10))
    canvas = Canvas(height * rng.uniform(0.88, 1.06), height, rows_px / height)
    size = float(np.exp(rng.normal(0, 0.05)))
    bodies, frame = sample_neck(rng, canvas, size, difficulty, planted)
    attenuation = _flesh(rng, canvas, bodies, frame)
    bone = canvas.empty()
    density = float(np.exp(rng.normal(0.05, 0.16)) * (1.0 - 0.35 * difficulty * rng.random()))
    add_skull(bone, canvas, rng, frame)
    outlines = add_upper(bone, canvas, frame, density)
    for level, body in bodies.items():
        add_lateral(bone, canvas, level, body, density, rng)
        outlines[level] = body.outline()
    bone *= 1 + 0.07 * smooth_noise(rng, canvas.shape, 1.1 * canvas.px_per_mm)  # Trabeculae.
    wedge = _shoulders(rng, canvas, bodies["C7"])
    # Scatter from the shoulders drowns what lies in them.
    seen = 1 - rng.uniform(0.70, 0.92) * np.clip(wedge / _WEDGE, 0, 1) ** 1.3
    attenuation = seen * (attenuation + bone * np.clip(attenuation / 0.4, 0, 1))
    attenuation *= 1 + 0.015 * smooth_noise(rng, canvas.shape, 16 * canvas.px_per_mm)
    labelled = {level: outlines[level] for level in CERVICAL}
    corners = {"C2": c2_corners(frame)} | {level: body.corners() for level, body in bodies.items()}
    if _covered(wedge, canvas, labelled["C7"]) > _LOST:
        del labelled["C7"]
    return Scene(canvas, attenuation + wedge, labelled, corners)


def _flesh(rng: np.random.Generator, canvas: Canvas, bodies: dict[str, Body], frame: Frame) -> Map:
    """Return the soft tissue's attenuation: head and neck between throat and nape, less air."""
    ys, xs = canvas.rows_mm(), canvas.columns_mm()
    levels = list(bodies.values())
    spine = np.interp(ys, [frame.y, *(b.y for b in levels)], [frame.x, *(b.x for b in levels)])
    s = frame.size
    down = np.clip((ys - frame.y) / s, -95, 125)
    chin = rng.normal(16, 5)
    front = PchipInterpolator(
        [-95, chin - 8, chin + 5, chin + 20, 62, 84, 125],
        np.array([135, 128, 78, 56, 46, 46, 66]) * np.exp(rng.normal(0, 0.07)),
    )
    back = PchipInterpolator(
        [-95, -48, 4, 34, 52, 86, 125],
        np.array([125, 108, 84, 75, 78, 100, 130]) * np.exp(rng.normal(0, 0.08)),
    )
    throat, nape = spine - front(down) * s, spine + back(down) * s
    across = np.clip((xs - throat) / (nape - throat), 0, 1)
    thick = PchipInterpolator([-95, -45, 15, 60, 125], [140, 132, 112, 112, 130])
    depth = thick(down) * np.clip(4 * across * (1 - across), 0, 1) ** 0.42
    air = _airway(rng, canvas, frame)
    muscle = canvas.empty()
    for offset in (24, 46):
        band = spline([[offset - 16, -90], [offset + 2, 10], [offset + 24, 150]])
        add_tube(muscle, canvas, frame.at(band), 11, 0.5)
    return (SOFT * np.maximum(depth + muscle * (depth > 60) - air, 0.2 * depth)).astype(np.float32)


def _airway(rng: np.random.Generator, canvas: Canvas, frame: Frame) -> Map:
    """Return the air of throat, larynx and windpipe along each ray, mm."""
    air = canvas.empty()
    ahead = rng.normal(0, 1.5)
    pharynx = spline(
        [
            [-26 - ahead, -52],
            [-20 - ahead, -36],
            [-19 - ahead, -10],
            [-18 - ahead, 14],
            [-20 - ahead, 40],
        ]
    )
    ends = np.clip(np.minimum(np.arange(40), 39 - np.arange(40)) / 14, 0, 1)
    add_tube(air, canvas, frame.at(pharynx), rng.uniform(4.0, 6.5), 2.6, strength=ends)
    mouth = spline([[-27 - ahead, 6], [-33 - ahead, 16], [-34 - ahead, 30]])
    add_tube(air, canvas, frame.at(mouth), np.linspace(3, 7, 40), 1.6, strength=ends)
    pipe = spline([[-27 - ahead, 28], [-29 - ahead, 46], [-33 - ahead, 75], [-40 - ahead, 120]])
    add_tube(
        air, canvas, frame.at(pipe), np.linspace(3.5, 8, 40), 1.5, strength=np.clip(ends * 2, 0, 1)
    )
    return np.minimum(air, 34)


def _shoulders(rng: np.random.Generator, canvas: Canvas, c7: Body) -> Map:
    """Return the attenuation of both shoulders, whose upper edges lie near C7."""
    ys, xs = canvas.rows_mm(), canvas.columns_mm()
    edge = c7.y + rng.normal(1.0, 11.0)
    peak = c7.x + rng.normal(18, 14)
    total = canvas.empty()
    for share in (0.62, 0.38):
        steep = rng.uniform(0.0035, 0.0065)
        side = np.where(xs < peak, 1.0, 0.55) * (xs - peak) ** 2
        line = edge + steep * side / (1 + 0.004 * np.abs(xs - peak))
        deep = np.clip((ys - line) / rng.uniform(7, 18), 0, None)
        total += (_WEDGE * share * (1 - np.exp(-deep))).astype(np.float32)
        edge, peak = edge + rng.uniform(0, 9), peak + rng.normal(0, 9)
    return total


def _covered(wedge: Map, canvas: Canvas, outline: np.ndarray) -> float:
    """Return how dark to the rays the shoulders are over an outline's middle, 0..1."""
    x, y = outline.mean(0) * canvas.px_per_mm
    rows, columns = wedge.shape
    at = wedge[min(int(max(y, 0)), rows - 1), min(int(max(x, 0)), columns - 1)]
    return float(at / _WEDGE)
