"""Rules of Ultralytics 8.3.223 that 8.4 changed, put back one by one to see what each changes.

python benchmarks/ultralytics_versions.py ...      # uses them; there is nothing to run here

Written anew from reading 8.3.223 (`utils/tal.py`, `utils/ops.py`, `utils/metrics.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from ultralytics.utils import loss, metrics, ops, tal

# Below so many masks 8.3 crops at the box's edges rounded to whole pixels.
FEW_MASKS = 50


def _inside_as_they_are(
    self: Any, centers: torch.Tensor, boxes: torch.Tensor, mask: torch.Tensor, eps: float = 1e-9
) -> torch.Tensor:
    """Return which anchors lie in which boxes; 8.4 widens boxes of less than 16 px before.

    Shapes: (anchors, 2), (images, boxes, 4) and (images, boxes, anchors).
    """
    left_top, right_bottom = boxes[:, :, None, :2], boxes[:, :, None, 2:]
    distances = torch.cat((centers - left_top, right_bottom - centers), dim=-1)
    return distances.amin(-1) > eps


def _cropped_at_whole_pixels(masks: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    """Return masks (instances, height, width) cleared outside their boxes; 8.4 never rounds."""
    if len(masks) < FEW_MASKS:
        boxes = boxes.round()
    x1, y1, x2, y2 = (edge[:, None, None] for edge in boxes.unbind(1))
    columns = torch.arange(masks.shape[2], device=masks.device)[None, None, :]
    rows = torch.arange(masks.shape[1], device=masks.device)[None, :, None]
    return masks * ((columns >= x1) * (columns < x2) * (rows >= y1) * (rows < y2))


def _precision_with_a_ramp(
    recall: np.ndarray, precision: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return average precision; beyond the highest recall 8.3 falls to 0 slowly, 8.4 at once."""
    recalls = np.concatenate(([0.0], recall, [1.0]))
    precisions = np.concatenate(([1.0], precision, [0.0]))
    envelope = np.flip(np.maximum.accumulate(np.flip(precisions)))
    at = np.linspace(0, 1, 101)
    return float(np.trapezoid(np.interp(at, recalls, envelope), at)), envelope, recalls


RULES: dict[str, list[tuple[Any, str, Any]]] = {
    "small boxes": [(tal.TaskAlignedAssigner, "select_candidates_in_gts", _inside_as_they_are)],
    "mask edges": [(module, "crop_mask", _cropped_at_whole_pixels) for module in (loss, ops)],
    "curve's end": [(metrics, "compute_ap", _precision_with_a_ramp)],
}


@contextmanager
def old_rules(names: list[str]) -> Iterator[None]:
    """Put the named rules back for a while."""
    changes = [change for name in names for change in RULES[name]]
    before = [(place, name, getattr(place, name)) for place, name, _ in changes]
    try:
        for place, name, rule in changes:
            setattr(place, name, rule)
        yield
    finally:
        for place, name, rule in before:
            setattr(place, name, rule)
