"""One film's prediction held against its labels: overlaps at full resolution, and the match."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pycocotools.mask as coco_mask

from spineseg.evaluation.records import FilmRecord, Found, Truth, matched_record
from spineseg.evaluation.signs import labelled_signs
from spineseg.films import LabelledFilm
from spineseg.prediction.detections import Detection, Prediction
from spineseg.prediction.film_mask import FilmMask
from spineseg.prediction.outlines import boundary_distance_px, mask_outline

DRAWN_CONFIDENCE = 0.1  # Less certain detections are scored, but not kept for drawing.


def record_film(film: LabelledFilm, prediction: Prediction) -> FilmRecord:
    """Return how one film's detections meet its labels, masks at full resolution."""
    height, width = prediction.height, prediction.width
    polygons = [outline.points * [width, height] for outline in film.outlines]
    labels = [_rle(polygon, height, width) for polygon in polygons]
    boxes = [(*polygon.min(0), *polygon.max(0)) for polygon in polygons]
    detections = prediction.detections
    mask_iou = _overlaps([d.mask.code for d in detections], labels)
    distances = _boundary_distances(detections, labels, mask_iou)
    drawn = {d.mask for d in detections if d.confidence >= DRAWN_CONFIDENCE}
    outlines = {mask: _polygon(mask) for mask in drawn}
    return matched_record(
        name=film.path.name,
        height=height,
        width=width,
        seconds=prediction.seconds,
        truths=tuple(
            Truth(level=outline.level, box=tuple(round(float(v), 3) for v in box))
            for outline, box in zip(film.outlines, boxes, strict=True)
        ),
        found=tuple(
            Found(
                level=d.level,
                confidence=d.confidence,
                level_scores=tuple(round(float(v), 5) for v in d.level_scores),
                box=tuple(round(float(v), 3) for v in d.box),
                polygon=outlines[d.mask] if d.confidence >= DRAWN_CONFIDENCE else (),
                boundary_px=distance,
            )
            for d, distance in zip(detections, distances, strict=True)
        ),
        box_iou=_overlaps([_xywh(d.box) for d in detections], [_xywh(box) for box in boxes]),
        mask_iou=mask_iou,
        signs=labelled_signs(film, (height, width)),
    )


def _rle(polygon: np.ndarray, height: int, width: int) -> dict[str, Any]:
    return coco_mask.merge(coco_mask.frPyObjects([polygon.ravel().tolist()], height, width))


def _xywh(box: Iterable[float]) -> list[float]:
    x1, y1, x2, y2 = (float(v) for v in box)
    return [x1, y1, x2 - x1, y2 - y1]


def _overlaps(found: Sequence[object], truths: Sequence[object]) -> tuple[tuple[float, ...], ...]:
    if not found or not truths:
        return tuple(() for _ in found)
    overlap = coco_mask.iou(
        np.array(found) if isinstance(found[0], list) else found,
        np.array(truths) if isinstance(truths[0], list) else truths,
        [0] * len(truths),
    )
    return tuple(tuple(row) for row in np.asarray(overlap).round(7).tolist())


def _boundary_distances(
    detections: Sequence[Detection],
    labels: Sequence[dict[str, Any]],
    mask_iou: Sequence[Sequence[float]],
) -> list[float | None]:
    """Return each detection's distance to the label that it overlaps most, by IoU 0.5 or more.

    Detections that share a mask (one anchor under several levels) share its distance.
    """
    known: dict[FilmMask, float] = {}
    windows: dict[int, FilmMask] = {}
    distances: list[float | None] = []
    for detection, row in zip(detections, mask_iou, strict=True):
        if not row or max(row) < 0.5 or detection.confidence < DRAWN_CONFIDENCE:
            distances.append(None)
            continue
        if detection.mask not in known:
            label = int(np.argmax(row))
            if label not in windows:
                windows[label] = FilmMask.of(coco_mask.decode(labels[label]))
            known[detection.mask] = round(boundary_distance_px(detection.mask, windows[label]), 3)
        distances.append(known[detection.mask])
    return distances


def _polygon(mask: FilmMask) -> tuple[tuple[float, float], ...]:
    return tuple((round(float(x), 5), round(float(y), 5)) for x, y in mask_outline(mask))
