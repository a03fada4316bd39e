"""Masks as outlines: for overlays, and for the JSON that `predict` writes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import cv2
import numpy as np
import pycocotools.mask as coco_mask

from spineseg.films import Outline, Spacing
from spineseg.prediction.detections import Detection, Prediction
from spineseg.prediction.film_mask import FilmMask

_TOLERANCE_PX = 0.6
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def mask_outline(mask: FilmMask) -> np.ndarray:
    """Return the outline of a mask's largest piece, (points, 2) fractions; empty without one."""
    largest = _largest_piece(mask)
    if largest is None:
        return np.zeros((0, 2))
    points = cv2.approxPolyDP(largest, _TOLERANCE_PX, True)[:, 0] + [
        mask.left + 0.5,
        mask.top + 0.5,
    ]
    height, width = mask.film
    return points / [width, height] if len(points) >= 3 else np.zeros((0, 2))


def _largest_piece(mask: FilmMask) -> np.ndarray | None:
    """Return the contour of a mask's largest piece, in px of its window; None without one."""
    if not mask.window.size:
        return None
    pieces, _ = cv2.findContours(mask.window, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return max(pieces, key=cv2.contourArea, default=None)


def area_and_centroid(mask: FilmMask) -> tuple[int, tuple[float, float]]:
    """Return the pixels of a mask's largest piece, and their centre (x, y) in px of the film.

    Raises ValueError for an empty mask.
    """
    piece = _largest_piece(mask)
    if piece is None:
        raise ValueError("an empty mask has no centroid")
    filled = cv2.drawContours(np.zeros_like(mask.window), [piece], -1, 1, cv2.FILLED)
    y, x = np.nonzero(filled)
    return len(x), (mask.left + float(x.mean()) + 0.5, mask.top + float(y.mean()) + 0.5)


def boundary_distance_px(mask: FilmMask, other: FilmMask) -> float:
    """Return the mean distance between the outlines of two masks, in px.

    From each outline's pixels to the nearest of the other's, averaged over both (average
    symmetric surface distance; Heimann et al. 2009). Both lie on films of one size.
    """
    left, top = min(mask.left, other.left), min(mask.top, other.top)
    right, bottom = (
        max(start + m.window.shape[axis] for start, m in zip(starts, (mask, other), strict=True))
        for starts, axis in (((mask.left, other.left), 1), ((mask.top, other.top), 0))
    )
    edges = []
    for each in (mask, other):
        body = np.zeros((bottom - top + 2, right - left + 2), np.uint8)
        y, x = each.top - top + 1, each.left - left + 1
        rows, columns = each.window.shape
        body[y : y + rows, x : x + columns] = each.window
        edges.append((body - cv2.erode(body, _CROSS)).astype(bool))
    away = [
        cv2.distanceTransform(1 - e.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        for e in edges
    ]
    distances = np.concatenate([away[1][edges[0]], away[0][edges[1]]])
    return float(distances.mean())


def prediction_outlines(prediction: Prediction, confidence: float) -> tuple[Outline, ...]:
    """Return the detections at least as certain as `confidence`, one per vertebra.

    Of detections that outline the same body under several levels, the most confident is kept.
    """
    return tuple(outline for outline, _ in _outlined(prediction, confidence))


def _outlined(prediction: Prediction, confidence: float) -> list[tuple[Outline, FilmMask]]:
    return [
        (Outline(d.level, points, d.confidence), d.mask)
        for d in _one_each(prediction, confidence)
        if len(points := mask_outline(d.mask))
    ]


def _one_each(prediction: Prediction, confidence: float) -> list[Detection]:
    kept: list[Detection] = []
    for detection in prediction.detections:
        if detection.confidence < confidence:
            continue
        if kept:
            masks = [other.mask.code for other in kept]
            if coco_mask.iou([detection.mask.code], masks, [0] * len(masks)).max() > 0.5:
                continue
        kept.append(detection)
    return kept


def prediction_as_json(
    prediction: Prediction, confidence: float, spacing: Spacing | None = None
) -> dict[str, Any]:
    """Return one film's vertebrae as plain values; boxes, polygons, areas, centroids in pixels.

    With `spacing`, polygons in millimetres too; how far they hold, its kind says.
    """
    return {
        "image": str(prediction.path),
        "width": prediction.width,
        "height": prediction.height,
        "spacing": asdict(spacing) if spacing else None,
        "vertebrae": [
            _vertebra(outline, mask, spacing) for outline, mask in _outlined(prediction, confidence)
        ],
    }


def _vertebra(outline: Outline, mask: FilmMask, spacing: Spacing | None) -> dict[str, Any]:
    height, width = mask.film
    points = outline.points * [width, height]
    area, (x, y) = area_and_centroid(mask)
    apart = [spacing.column_mm, spacing.row_mm] if spacing else None
    return {
        "level": outline.level,
        "confidence": round(outline.confidence or 0.0, 4),
        "box": [round(float(v), 1) for v in (*points.min(0), *points.max(0))],
        "area_px": area,
        "centroid": [round(x, 1), round(y, 1)],
        "polygon": points.round(1).tolist(),
        "polygon_mm": (points * apart).round(2).tolist() if apart else None,
    }
