"""The bodies on a film, whatever their levels: gathered from detections, and their spacing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

_SAME_BODY = 0.35  # Boxes that overlap by so much (IoU) show one body.
_LEAST_STEP_PX = 0.01  # Nor are boxes around one point two bodies, whatever their sizes.
_STEP_PER_BODY = 1.25  # Spacing along the column in heights of a body: the disc is the rest.
_SUREST = 12  # So many bodies, or those half as sure, tell the spacing at first.
_MOST_UNEVEN = 1.5  # Spacing along a column stays within this factor of its median.


def gathered_bodies(boxes: np.ndarray, scores: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Return each body's best detection and its scores, (bodies, 24), highest of its detections."""
    best = scores.sum(axis=1)
    order = np.argsort(-best, kind="stable")
    overlap = _box_iou(boxes)
    bodies: list[int] = []
    gathered: list[np.ndarray] = []
    for i in order:
        near = [k for k, body in enumerate(bodies) if overlap[i, body] > _SAME_BODY]
        if near:
            closest = max(near, key=lambda k: overlap[i, bodies[k]])
            np.maximum(gathered[closest], scores[i], out=gathered[closest])
        else:
            bodies.append(int(i))
            gathered.append(scores[i].copy())
    return bodies, np.array(gathered)


def _box_iou(boxes: np.ndarray) -> np.ndarray:
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    overlap = shared / np.maximum(area[:, None] + area[None] - shared, 1e-9)
    # Boxes around one point have no step between them, so they cannot be two bodies of a column.
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    apart = np.abs(middles[:, None] - middles[None]).max(axis=2)
    return np.where(apart < _LEAST_STEP_PX, 1.0, overlap)


def apart_in_bodies(centres: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return how far bodies lie apart, (bodies, bodies), in their own widths and heights.

    So a film that was stretched, as the original's were, is as good as one that was not. Sizes are
    smoothed along the column: a single box may be wrong.
    """
    near = np.stack([_smooth(side) for side in sizes.T], axis=1)
    between = (near[:, None] + near[None]) / 2
    return np.asarray(np.hypot(*((centres[:, None] - centres[None]) / between).transpose(2, 0, 1)))


def usual_spacing(apart: np.ndarray, certain: np.ndarray) -> np.ndarray:
    """Return the spacing to expect at each body, by the steps between the surest of them."""
    best = np.sort(certain)[::-1][:_SUREST]
    sure = np.flatnonzero(certain >= np.median(best) / 2)
    if len(sure) < 4:
        return np.full(len(apart), _STEP_PER_BODY)
    steps = np.array([apart[a, b] for a, b in pairwise(sure)])
    middles = np.array([(a + b) / 2 for a, b in pairwise(sure)])
    return _steady(np.interp(np.arange(len(apart)), middles, _smooth(steps)))


def _steady(pitch: np.ndarray) -> np.ndarray:
    """Return spacings kept near their median: along a column they change little by little."""
    usual = float(np.median(pitch))
    return np.clip(pitch, usual / _MOST_UNEVEN, usual * _MOST_UNEVEN)


def _smooth(values: np.ndarray) -> np.ndarray:
    """Return the running median over five, mirrored at the ends: no end is its own median."""
    padded = np.pad(values, 2, mode="symmetric")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1))
