"""The quadrilateral that lies closest to a body: its end plates from rim to rim."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from shapely import Polygon

from spineseg.levels import place
from spineseg.measurement.bodies import Body

_POINTS = 240  # Of an outline, evenly along it.
_ROUNDS = 12
_NEAR_CORNER = 0.14  # Of a side's length at either end, where a body is round.
_UPON = 0.03  # Of an end plate's length, within which an outline lies upon its line.
_STILL = 0.01  # Of a unit.
_LEAST_SIDE = 1e-3
_REACH = 2  # Levels above and below a body that say which way its column runs.
_WIDE, _WEIGHT = 0.7, 0.6  # Logarithm of a body's width over height that counts, and how much.


def fitted_bodies(outlines: Mapping[str, np.ndarray], least_side: float = 0.0) -> dict[str, Body]:
    """Return the bodies of a column by level, head to pelvis.

    `outlines`: level -> (points, 2), x and y in units of equal size. Which of a body's sides is its
    upper one, the bodies above and below it say: on a strongly bent column that is not the film's
    top. One whose shorter side is less than `least_side` is left out.
    """
    order = sorted(outlines, key=place)
    centres = np.array([_centroid(outlines[level]) for level in order]).reshape(-1, 2)
    found = {}
    for at, level in enumerate(order):
        down = centres[min(at + _REACH, len(order) - 1)] - centres[max(at - _REACH, 0)]
        down = down if down.any() else np.array([0.0, 1.0])
        corners = fitted_corners(outlines[level], down, least_side, is_wide=level != "C2")
        if corners is not None:
            found[level] = Body(level, corners)
    return found


def fitted_corners(
    outline: np.ndarray, down: np.ndarray, least_side: float = 0.0, *, is_wide: bool = True
) -> np.ndarray | None:
    """Return the corners of the quadrilateral that lies closest to an outline's hull, (4, 2).

    Upper left, upper right, lower right, lower left, where `down` (2,) is the way along the
    column. The convex hull goes from rim to rim over an end plate's hollow, as readers' lines do.
    It begins as the least rectangle around the outline; then each point belongs to its
    nearest side, a line is fitted to those of each side (total least squares), and these lines
    meet in the next corners. Points near a corner count for no side: bodies are round there. None
    for an outline with less than `least_side` to a side, or without any area.
    """
    rectangle = cv2.minAreaRect(outline.astype(np.float32))
    if min(rectangle[1]) < max(least_side, _LEAST_SIDE):
        return None
    corners = _ordered(cv2.boxPoints(rectangle).astype(float), down, is_wide)
    points = _evenly(cv2.convexHull(outline.astype(np.float32))[:, 0].astype(float))
    for _ in range(_ROUNDS):
        moved = _refitted(points, corners)
        if moved is None or np.abs(moved - corners).max() < _STILL:
            break
        corners = moved
    return _from_rim_to_rim(points, corners)


def _ordered(box: np.ndarray, down: np.ndarray, is_wide: bool) -> np.ndarray:
    """Return a rectangle's corners from the upper left on, clockwise on the film.

    The upper side is the one that looks up the column; between two that do so alike, the longer
    one, of a body that is wider than high, as all are but C2 with its dens.
    """
    down = down / np.hypot(*down)
    sides = np.roll(box, -1, 0) - box
    lengths = np.maximum(np.hypot(*sides.T), _LEAST_SIDE)
    looks_up = (box.mean(0) - (box + sides / 2)) @ down
    looks_up /= np.roll(lengths, -1) / 2
    wide = np.clip(np.log(lengths / np.roll(lengths, -1)), -_WIDE, _WIDE)
    turned = np.roll(box, -int(np.argmax(looks_up + (_WEIGHT * wide if is_wide else 0.0))), 0)
    right = np.array([down[1], -down[0]])
    return turned if (turned[1] - turned[0]) @ right > 0 else turned[[1, 0, 3, 2]]


def _evenly(outline: np.ndarray) -> np.ndarray:
    """Return points at equal steps along a closed outline, (_POINTS, 2)."""
    closed = np.vstack([outline, outline[:1]])
    reached = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    at = np.linspace(0, reached[-1], _POINTS, endpoint=False)
    return np.stack([np.interp(at, reached, closed[:, axis]) for axis in (0, 1)], 1)


def _refitted(points: np.ndarray, corners: np.ndarray) -> np.ndarray | None:
    """Return the corners in which lines through the points of each side meet; None if they do not.

    A quadrilateral that moves by more than half of the outline's reach has lost its body.
    """
    along = np.roll(corners, -1, 0) - corners  # (4, 2)
    lengths = np.linalg.norm(along, axis=1)
    if lengths.min() < _LEAST_SIDE:
        return None
    unit = along / lengths[:, None]
    away = points[:, None] - corners  # (points, 4, 2)
    on = (away * unit).sum(2) / lengths  # Where along each side, 0..1.
    off = away[..., 0] * unit[:, 1] - away[..., 1] * unit[:, 0]
    beyond = np.clip(np.maximum(-on, on - 1), 0, None) * lengths
    nearest = np.argmin(np.hypot(off, beyond), axis=1)
    inner = (on > _NEAR_CORNER) & (on < 1 - _NEAR_CORNER)
    lines = []
    for side in range(4):
        mine = points[(nearest == side) & inner[:, side]]
        if len(mine) < 3:
            return None
        centre = mine.mean(0)
        lines.append((centre, np.linalg.svd(mine - centre, full_matrices=False)[2][0]))
    met = [_meeting(lines[side - 1], lines[side]) for side in range(4)]
    there = [corner for corner in met if corner is not None]
    if len(there) < 4:
        return None
    moved = np.array(there)
    return moved if np.abs(moved - corners).max() < np.ptp(points, axis=0).max() / 2 else None


def _from_rim_to_rim(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Return the corners with both end plates ended where the outline leaves them.

    Slanted sides, as those of C2 under its dens, meet the plates' lines further out.
    """
    ended = corners.copy()
    for start, end in ((0, 1), (3, 2)):
        along = corners[end] - corners[start]
        long = float(np.hypot(*along))
        away = (points - corners[start]) @ np.stack([along, [-along[1], along[0]]], 1) / long
        upon = away[np.abs(away[:, 1]) < _UPON * long, 0]
        if len(upon) and np.ptp(upon) > long / 2:
            ended[start] = corners[start] + along * upon.min() / long
            ended[end] = corners[start] + along * upon.max() / long
    return ended


def _meeting(
    one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]
) -> np.ndarray | None:
    """Return where two lines (a point, a direction) meet; None where they are nearly parallel."""
    system = np.stack([one[1], -other[1]], 1)
    if abs(np.linalg.det(system)) < 0.2:  # Less than 12 degrees apart.
        return None
    return np.asarray(one[0] + np.linalg.solve(system, other[0] - one[0])[0] * one[1])


def _centroid(outline: np.ndarray) -> np.ndarray:
    whole = Polygon(outline).buffer(0)
    return outline.mean(0) if whole.is_empty else np.array(whole.centroid.coords[0])
