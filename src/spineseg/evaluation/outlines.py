"""Masks as outlines: for overlays, and for the JSON that `predict` writes."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pycocotools.mask as coco_mask

from ..films import Outline
from .predictor import Prediction

_TOLERANCE_PX = 0.6
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def mask_outline(mask: dict[str, Any]) -> np.ndarray:
    """Return the outline of a mask's largest piece, (points, 2) fractions; empty without one."""
    height, width = mask["size"]
    pieces, _ = cv2.findContours(coco_mask.decode(mask), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not pieces:
        return np.zeros((0, 2))
    largest = max(pieces, key=cv2.contourArea)
    points = cv2.approxPolyDP(largest, _TOLERANCE_PX, True)[:, 0].astype(float) + 0.5
    return points / [width, height] if len(points) >= 3 else np.zeros((0, 2))


def boundary_distance_px(mask: dict[str, Any], other: dict[str, Any]) -> float:
    """Return the mean distance between the outlines of two masks, in px.

    From each outline's pixels to the nearest of the other's, averaged over both (average
    symmetric surface distance; Heimann et al. 2009). Both are run-length codes of one size.
    """
    corners = np.array([coco_mask.toBbox(code) for code in (mask, other)])
    left, top = np.floor(corners[:, :2].min(axis=0)).astype(int)
    right, bottom = np.ceil((corners[:, :2] + corners[:, 2:]).max(axis=0)).astype(int)
    edges = []
    for code in (mask, other):
        inner = coco_mask.decode(code)[top:bottom, left:right]
        body = cv2.copyMakeBorder(inner, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
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
    return tuple(
        Outline(d.level, points, d.confidence)
        for d in _one_each(prediction, confidence)
        if len(points := mask_outline(d.mask))
    )


def _one_each(prediction: Prediction, confidence: float) -> list[Any]:
    kept: list[Any] = []
    for detection in prediction.detections:
        if detection.confidence < confidence:
            continue
        if kept:
            masks = [other.mask for other in kept]
            if coco_mask.iou([detection.mask], masks, [0] * len(masks)).max() > 0.5:
                continue
        kept.append(detection)
    return kept


def prediction_as_json(prediction: Prediction, confidence: float) -> dict[str, Any]:
    """Return one film's vertebrae as plain values; boxes and polygons in pixels."""
    size = [prediction.width, prediction.height]
    return {
        "image": str(prediction.path),
        "width": prediction.width,
        "height": prediction.height,
        "vertebrae": [
            {
                "level": outline.level,
                "confidence": round(outline.confidence or 0.0, 4),
                "box": [
                    round(float(v), 1)
                    for v in (*(outline.points * size).min(0), *(outline.points * size).max(0))
                ],
                "polygon": (outline.points * size).round(1).tolist(),
            }
            for outline in prediction_outlines(prediction, confidence)
        ],
    }
