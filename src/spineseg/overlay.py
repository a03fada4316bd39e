"""Outlines drawn on films: level-coloured bodies, labels beside them that hide nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from spineseg.films import Outline
from spineseg.levels import colour

MARGIN_COLOUR = (12, 14, 17)
_MIN_SIDE_PX = 640
_SMALL_SIDE_PX, _STRIP_PX = 512, 24  # Of pictures that stand beside each other by the dozen.
_WHITE = (255, 255, 255)
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Label:
    """Where one label was put, in pixels of the drawn picture."""

    text: str
    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True)
class Shape:
    """One outline and how it is to be drawn."""

    outline: Outline
    text: str
    colour: Colour
    text_colour: Colour = _WHITE
    weight: float = 1.0  # of the line; 0 for none
    fill: float = 0.32  # opacity
    dashed: bool = False
    crossed: bool = False


def draw_overlay(film: np.ndarray, outlines: Sequence[Outline]) -> np.ndarray:
    """Return the film, (height, width, 3) uint8 RGB, with outlines and labels.

    `film` is (height, width, 3) uint8 RGB; it comes back with a longer side of at least 640 px,
    and broader only where no label would fit beside its body. Raises ValueError for a film of
    another shape.
    """
    shapes = [Shape(each, _label_text(each), colour(each.level)) for each in outlines]
    return draw_shapes(film, shapes)[0]


def _label_text(outline: Outline) -> str:
    """Return "T7", or "T7 0.83" for a detection."""
    certain = "" if outline.confidence is None else f" {outline.confidence:.2f}"
    return f"{outline.level}{certain}"


def draw_beside_labels(
    film: np.ndarray, truths: Sequence[Outline], found: Sequence[Outline], caption: str
) -> np.ndarray:
    """Return the film with what was found in its levels' colours, the labels thin and white.

    `film` is (height, width, 3) uint8 RGB; the picture has a longer side of at least 512 px and a
    strip with `caption` below.
    """
    shapes = [Shape(o, o.level, colour(o.level), weight=1.3, fill=0.2) for o in found]
    shapes += [Shape(o, "", _WHITE, weight=0.6, fill=0.0) for o in truths]
    picture = draw_shapes(film, shapes, _SMALL_SIDE_PX)[0]
    strip = Image.new("RGB", (picture.shape[1], _STRIP_PX), MARGIN_COLOUR)
    ImageDraw.Draw(strip).text((6, _STRIP_PX / 2), caption, _WHITE, letters(_STRIP_PX // 2), "lm")
    return np.vstack([picture, np.asarray(strip)])


def draw_shapes(
    film: np.ndarray, shapes: Sequence[Shape], min_side_px: int = _MIN_SIDE_PX
) -> tuple[np.ndarray, list[Label]]:
    """Return the drawn film as `draw_overlay` does, and where the labels are, top to bottom.

    No label covers another, a body of its own column, or the film's edge. A shape without text
    has none. The picture's longer side is at least `min_side_px`.
    """
    if film.ndim != 3 or film.shape[2] != 3:
        raise ValueError(f"an RGB film (height, width, 3) is needed, got shape {film.shape}")
    factor = max(1.0, min_side_px / max(film.shape[:2]))
    canvas = cv2.resize(film, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    height, width = canvas.shape[:2]
    bodies = [shape.outline.points * [width, height] for shape in shapes]  # (points, 2) px
    canvas = _bodies(canvas, shapes, bodies)
    named = [(shape, body) for shape, body in zip(shapes, bodies, strict=True) if shape.text]
    size = _font_px(height, width, len(named))
    font = letters(size)
    texts = [shape.text for shape, _ in named]
    labels, extra = place_labels(texts, [body for _, body in named], font, height, width)
    if extra:
        canvas = cv2.copyMakeBorder(
            canvas, 0, 0, 0, extra, cv2.BORDER_CONSTANT, value=MARGIN_COLOUR
        )
    picture = Image.fromarray(canvas)
    pen = ImageDraw.Draw(picture)
    for (shape, body), label in zip(named, labels, strict=True):
        _leader(pen, body, label, shape.colour, size)
    for (shape, _), label in zip(named, labels, strict=True):
        spot = (label.left, (label.top + label.bottom) / 2)
        stroke = max(1, size // 8)
        pen.text(
            spot, label.text, shape.text_colour, font, "lm", stroke_width=stroke, stroke_fill=0
        )
    return np.asarray(picture), sorted(labels, key=lambda label: label.top)


def _bodies(canvas: np.ndarray, shapes: Sequence[Shape], bodies: list[np.ndarray]) -> np.ndarray:
    line = max(1.0, min(canvas.shape[:2]) / 450)
    for fill in sorted({shape.fill for shape in shapes} - {0.0}):
        filled = canvas.copy()
        for shape, body in zip(shapes, bodies, strict=True):
            if shape.fill == fill:
                points = np.round(body * 8).astype(np.int32)[:, None]
                cv2.fillPoly(filled, [points], shape.colour, cv2.LINE_AA, 3)
        canvas = cv2.addWeighted(filled, fill, canvas, 1 - fill, 0)
    for shape, body in zip(shapes, bodies, strict=True):
        width = max(1, round(line * shape.weight))
        points = np.round(body * 8).astype(np.int32)[:, None]
        if shape.dashed:
            _dashes(canvas, body, shape.colour, width)
        elif shape.weight:
            cv2.polylines(canvas, [points], True, shape.colour, width, cv2.LINE_AA, 3)
        if shape.crossed:
            (left, top), (right, bottom) = body.min(0).astype(int), body.max(0).astype(int)
            cv2.line(canvas, (left, top), (right, bottom), shape.colour, width, cv2.LINE_AA)
            cv2.line(canvas, (left, bottom), (right, top), shape.colour, width, cv2.LINE_AA)
    return canvas


def _dashes(canvas: np.ndarray, body: np.ndarray, tint: Colour, width: int) -> None:
    """Draw a closed outline of dashes, each three line widths and a bit long."""
    closed = np.vstack([body, body[:1]])
    steps = np.hypot(*np.diff(closed, axis=0).T)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    dash = 3.0 * width + 3
    for start in np.arange(0, length[-1], 2 * dash):
        at = np.linspace(start, min(start + dash, length[-1]), 6)
        part = np.stack([np.interp(at, length, closed[:, axis]) for axis in (0, 1)], axis=1)
        points = np.round(part * 8).astype(np.int32)[:, None]
        cv2.polylines(canvas, [points], False, tint, width, cv2.LINE_AA, 3)


def _font_px(height: int, width: int, labels: int) -> int:
    """Return a letter size that reads well and leaves room for all labels below each other."""
    return max(6, round(min(min(height, width) / 30, height / (labels + 1) * 0.7)))


@lru_cache(maxsize=8)
def letters(size: int) -> ImageFont.FreeTypeFont:
    """Return DejaVu Sans, which comes with matplotlib and has the arrow."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(folder / "DejaVuSans-Bold.ttf", size)


def place_labels(
    texts: Sequence[str],
    bodies: Sequence[np.ndarray],
    font: ImageFont.FreeTypeFont,
    height: int,
    width: int,
) -> tuple[list[Label], int]:
    """Return a place for each text beside its body, and the pixels that the film must grow by.

    All labels are pushed apart vertically, so none can cover another; then each goes to the first
    place that no body takes, right of its own body, or left of it. Only where neither side has
    one does the film grow to the right. `bodies` are (points, 2) px.
    """
    line, gap = font.size * 1.25, font.size * 0.8
    order = sorted(range(len(texts)), key=lambda i: float(bodies[i][:, 1].mean()))
    rows = spread([float(bodies[i][:, 1].mean()) for i in order], line, height)
    places: dict[int, Label] = {}
    extra = 0
    for i, y in zip(order, rows, strict=True):
        size = font.getlength(texts[i]) + 2 * max(1, font.size // 8)
        top, bottom = y - font.size * 0.55, y + font.size * 0.55
        near = [b for b in bodies if b[:, 1].min() < bottom and b[:, 1].max() > top]
        spans = [(float(b[:, 0].min()), float(b[:, 0].max())) for b in near]
        left = _free_right(float(bodies[i][:, 0].max()) + gap, size, gap, spans)
        if left + size > width - 2:
            other = _free_left(float(bodies[i][:, 0].min()) - gap - size, size, gap, spans)
            left = other if other >= 2 else left
        extra = max(extra, int(np.ceil(left + size + 4 - width)))
        box = [round(v) for v in (left, top, left + size, bottom)]
        places[i] = Label(texts[i], *box)
    return [places[i] for i in range(len(texts))], extra


def _free_right(left: float, size: float, gap: float, spans: list[tuple[float, float]]) -> float:
    """Return the nearest left edge from `left` on where a text of `size` meets no span."""
    for start, end in sorted(spans):
        if start < left + size and end > left:
            left = end + gap
    return left


def _free_left(left: float, size: float, gap: float, spans: list[tuple[float, float]]) -> float:
    """Return the nearest left edge up to `left` where a text of `size` meets no span."""
    for start, end in sorted(spans, key=lambda span: -span[1]):
        if start < left + size and end > left:
            left = start - gap - size
    return left


def spread(wanted: list[float], line: float, height: int) -> list[float]:
    """Return ascending rows at least `line` apart, near those wanted and inside the picture."""
    if not wanted:
        return []
    line = min(line, height / len(wanted))
    rows: list[float] = []
    for y in wanted:
        rows.append(max(y, rows[-1] + line if rows else line / 2))
    limit = height - line / 2
    for i in range(len(rows) - 1, -1, -1):
        rows[i] = min(rows[i], limit)
        limit = rows[i] - line
    return rows


def _leader(
    pen: ImageDraw.ImageDraw, body: np.ndarray, label: Label, tint: Colour, size: int
) -> None:
    """Draw a thin line from the body's side to its label."""
    row = (label.top + label.bottom) / 2
    to_right = label.left > float(body[:, 0].mean())
    side = body[int(body[:, 0].argmax() if to_right else body[:, 0].argmin())]
    end = label.left - size * 0.25 if to_right else label.right + size * 0.25
    pen.line([(float(side[0]), float(body[:, 1].mean())), (end, row)], tint, max(1, size // 12))
