"""Outlines drawn on films: level-coloured bodies, labels beside them that hide nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..films import Outline
from ..levels import colour

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_MIN_SIDE_PX = 640
_WHITE, _RED = (255, 255, 255), (255, 70, 70)


@dataclass(frozen=True)
class Label:
    """Where one label was put, in pixels of the drawn picture."""

    text: str
    left: int
    top: int
    right: int
    bottom: int


def draw_overlay(
    image: np.ndarray, outlines: Sequence[Outline], *, texts: Sequence[str] | None = None
) -> np.ndarray:
    """Return the film, (height, width, 3) uint8 RGB, at 640 px or more, with outlines and labels.

    `texts` replaces "level confidence" as labels. Raises ValueError for an image of another shape.
    """
    canvas, _ = draw_with_labels(image, outlines, texts=texts)
    return canvas


def draw_with_labels(
    image: np.ndarray, outlines: Sequence[Outline], *, texts: Sequence[str] | None = None
) -> tuple[np.ndarray, list[Label]]:
    """Return what draw_overlay does, and where the labels are: none covers another."""
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"an RGB image (height, width, 3) is needed, got shape {image.shape}")
    factor = max(1.0, _MIN_SIDE_PX / max(image.shape[:2]))
    canvas = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    height, width = canvas.shape[:2]
    pixels = [np.round(o.points * [width, height] * 8).astype(np.int32)[:, None] for o in outlines]
    filled = canvas.copy()
    for outline, points in zip(outlines, pixels, strict=True):
        cv2.fillPoly(filled, [points], colour(outline.level), cv2.LINE_AA, 3)
    canvas = cv2.addWeighted(filled, 0.32, canvas, 0.68, 0)
    line = max(1, round(min(height, width) / 500))
    for outline, points in zip(outlines, pixels, strict=True):
        cv2.polylines(canvas, [points], True, colour(outline.level), line, cv2.LINE_AA, 3)
    labels = _labels(canvas, outlines, texts or [_text(o) for o in outlines])
    return canvas, labels


def _text(outline: Outline) -> str:
    return (
        outline.level if outline.confidence is None else f"{outline.level} {outline.confidence:.2f}"
    )


def _labels(canvas: np.ndarray, outlines: Sequence[Outline], texts: Sequence[str]) -> list[Label]:
    """Write the labels in a column right of the bodies, pushed apart, each with a leader line."""
    if not outlines:
        return []
    height, width = canvas.shape[:2]
    scale = min(height, width) / 640 * 0.42
    thickness = max(1, round(scale * 2))
    sizes = [cv2.getTextSize(text, _FONT, scale, thickness)[0] for text in texts]
    line = max(size[1] for size in sizes) + max(5, round(7 * scale))
    order = sorted(range(len(outlines)), key=lambda i: float(outlines[i].points[:, 1].mean()))
    wanted = [float(outlines[i].points[:, 1].mean()) * height for i in order]
    rows = _spread(wanted, line, height)
    labels: list[Label] = []
    for i, y in zip(order, rows, strict=True):
        edge = float(outlines[i].points[:, 0].max()) * width
        left = int(min(edge + 0.03 * width, width - sizes[i][0] - 4))
        anchor = (int(edge), int(outlines[i].points[:, 1].mean() * height))
        cv2.line(canvas, anchor, (left - 2, int(y)), colour(outlines[i].level), 1, cv2.LINE_AA)
        baseline = int(y + sizes[i][1] / 2)
        tint = _RED if "→" in texts[i] or texts[i].endswith(("missed", "invented")) else _WHITE
        text = texts[i].replace("→", ">")
        cv2.putText(
            canvas, text, (left, baseline), _FONT, scale, (0, 0, 0), thickness + 2, cv2.LINE_AA
        )
        cv2.putText(canvas, text, (left, baseline), _FONT, scale, tint, thickness, cv2.LINE_AA)
        labels.append(Label(texts[i], left, baseline - sizes[i][1], left + sizes[i][0], baseline))
    return labels


def _spread(wanted: list[float], line: float, height: int) -> list[float]:
    """Return ascending rows at least `line` apart, near those wanted and inside the picture."""
    rows: list[float] = []
    for y in wanted:
        rows.append(max(y, rows[-1] + line if rows else line / 2))
    overflow = rows[-1] - (height - line / 2)
    if overflow > 0:
        rows[-1] -= overflow
        for i in range(len(rows) - 2, -1, -1):
            rows[i] = min(rows[i], rows[i + 1] - line)
    return rows


def draw_errors(
    image: np.ndarray, truth: Sequence[Outline], found: Sequence[Outline]
) -> tuple[np.ndarray, int]:
    """Return the film with detections labelled right or wrong, and the number of errors.

    A wrong level reads "T7→T8" (true, then found); missed and invented vertebrae are named so.
    """
    matches = match_outlines(truth, found)
    drawn: list[Outline] = []
    texts: list[str] = []
    errors = 0
    for i, outline in enumerate(found):
        true = truth[matches[i]].level if i in matches else None
        drawn.append(outline)
        if true == outline.level:
            texts.append(outline.level)
        else:
            errors += 1
            texts.append(f"{true}→{outline.level}" if true else f"{outline.level} invented")
    for i, outline in enumerate(truth):
        if i not in matches.values():
            errors += 1
            drawn.append(outline)
            texts.append(f"{outline.level} missed")
    return draw_overlay(image, drawn, texts=texts), errors


def match_outlines(truth: Sequence[Outline], found: Sequence[Outline]) -> dict[int, int]:
    """Return found -> truth by index: overlap above one half, most confident first."""
    side = 512
    masks = [_raster(o, side) for o in truth]
    order = sorted(range(len(found)), key=lambda i: -(found[i].confidence or 0))
    taken: dict[int, int] = {}
    for i in order:
        mask = _raster(found[i], side)
        overlaps = [
            0.0 if j in taken.values() else float((mask & m).sum() / max((mask | m).sum(), 1))
            for j, m in enumerate(masks)
        ]
        if overlaps and max(overlaps) >= 0.5:
            taken[i] = int(np.argmax(overlaps))
    return taken


def _raster(outline: Outline, side: int) -> np.ndarray:
    mask = np.zeros((side, side), np.uint8)
    cv2.fillPoly(mask, [np.round(outline.points * side).astype(np.int32)[:, None]], 1)
    return mask.astype(bool)
