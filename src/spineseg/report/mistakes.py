"""What a model did wrong on one film: wrong levels, missed and invented vertebrae, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from spineseg.films import Outline
from spineseg.levels import colour
from spineseg.report.overlay import Shape, draw_shapes, label_text

WRONG, MISSED, INVENTED = (255, 92, 72), (255, 214, 64), (255, 110, 230)
_RASTER_PX = 512


@dataclass(frozen=True)
class Mistakes:
    """A film's vertebrae by how they were met."""

    right: int
    wrong: int
    missed: int
    invented: int

    @property
    def total(self) -> int:
        """Wrong levels, missed and invented vertebrae together."""
        return self.wrong + self.missed + self.invented

    def text(self) -> str:
        """Return the counts as a caption; noughts are left out."""
        counts = {"wrong level": self.wrong, "missed": self.missed, "invented": self.invented}
        named = [f"{number} {word}" for word, number in counts.items() if number]
        return ", ".join([f"{self.right} right", *named])


def draw_errors(
    image: np.ndarray,
    truth: Sequence[Outline],
    found: Sequence[Outline],
    *,
    title: str | None = None,
    show_confidence: bool = False,
) -> tuple[np.ndarray, Mistakes]:
    """Return the film with detections marked right or wrong, and how many are which.

    Right ones keep their level's colour. A wrong level has a heavy red outline and reads "T7→T8"
    (true, then found); a missed vertebra is dashed yellow; an invented one, which meets no
    labelled vertebra or one already met, is crossed out. Arrays as in `draw_overlay`.
    """
    met = match_outlines(truth, found)
    shapes: list[Shape] = []
    right = wrong = invented = 0
    for i, outline in enumerate(found):
        text = label_text(outline, show_confidence)
        true = truth[met[i]].level if i in met else None
        if true == outline.level:
            right += 1
            shapes.append(Shape(outline, text, colour(outline.level)))
        elif true is not None:
            wrong += 1
            shapes.append(Shape(outline, f"{true}→{text}", WRONG, WRONG, 1.8, 0.3))
        else:
            invented += 1
            text = f"{text} invented"
            shapes.append(Shape(outline, text, INVENTED, INVENTED, 1.2, 0.0, crossed=True))
    missed = [outline for i, outline in enumerate(truth) if i not in met.values()]
    shapes += [Shape(o, f"{o.level} missed", MISSED, MISSED, 1.5, 0.0, dashed=True) for o in missed]
    canvas, _ = draw_shapes(image, shapes, title=title)
    return canvas, Mistakes(right, wrong, len(missed), invented)


def match_outlines(truth: Sequence[Outline], found: Sequence[Outline]) -> dict[int, int]:
    """Return found -> truth by index: IoU of at least one half, most confident first."""
    masks = [_raster(outline) for outline in truth]
    taken: dict[int, int] = {}
    for i in sorted(range(len(found)), key=lambda i: -(found[i].confidence or 0.0)):
        mask = _raster(found[i])
        overlaps = [
            0.0 if j in taken.values() or not _boxes_touch(found[i], truth[j]) else _iou(mask, m)
            for j, m in enumerate(masks)
        ]
        if overlaps and max(overlaps) >= 0.5:
            taken[i] = int(np.argmax(overlaps))
    return taken


def _boxes_touch(a: Outline, b: Outline) -> bool:
    return bool(
        (a.points.min(0) <= b.points.max(0)).all() and (b.points.min(0) <= a.points.max(0)).all()
    )


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / max(int((a | b).sum()), 1))


def _raster(outline: Outline) -> np.ndarray:
    """Return the outline's mask, (512, 512) bool: IoU does not mind the film's shape."""
    mask = np.zeros((_RASTER_PX, _RASTER_PX), np.uint8)
    cv2.fillPoly(mask, [np.round(outline.points * _RASTER_PX).astype(np.int32)[:, None]], 1)
    return mask.astype(bool)
