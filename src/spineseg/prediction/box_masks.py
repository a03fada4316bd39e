"""Masks at a film's own resolution, made inside their boxes only.

The same pixels as Ultralytics' `process_mask_native`, which stretches every mask over the whole
film and then blanks what lies outside its box: most of its time goes there.
"""

from __future__ import annotations

import math

import numpy as np

from spineseg.prediction.film_mask import FilmMask


def box_masks(logits: np.ndarray, boxes: np.ndarray, shape: tuple[int, int]) -> list[FilmMask]:
    """Return masks at the film's resolution, each in the window of its box.

    `logits` are (masks, rows, columns) over the network's letterboxed input, reduced; above 0 is
    inside. `boxes` are (masks, 4) left, top, right, bottom in px of the film, whose `shape` is
    (height, width).
    """
    height, width = shape
    rows, columns = logits.shape[1:]
    finer = _finer(rows, columns, height, width)  # Letterbox borders end on whole pixels then.
    gain = min(finer * rows / height, finer * columns / width)
    down, across = _back(rows, height, finer, gain), _back(columns, width, finer, gain)
    corners = np.ceil(np.clip(boxes, 0, [width, height, width, height])).astype(int)
    return [
        FilmMask(
            (down[y1:y2] @ mask @ across[x1:x2].T > 0).astype(np.uint8), int(x1), int(y1), shape
        )
        for mask, (x1, y1, x2, y2) in zip(logits, corners, strict=True)
    ]


def _finer(rows: int, columns: int, height: int, width: int) -> int:
    """Return by which factor, 1, 2 or 4, masks are refined before the border is cut off."""
    gain = min(4 * rows / height, 4 * columns / width)
    border = (4 * rows - max(round(height * gain), 1)) | (4 * columns - max(round(width * gain), 1))
    return 4 // math.gcd(4, border | border // 2)


def _back(size: int, target: int, finer: int, gain: float) -> np.ndarray:
    """Return the weights that lead from the letterboxed mask to the film, (target, size)."""
    kept = max(round(target * gain), 1)
    start = round((finer * size - kept) / 2 - 0.1)
    inner = _stretch(size, finer * size)[start : start + kept]
    return np.asarray(_stretch(kept, target) @ inner, np.float32)


def _stretch(size: int, target: int) -> np.ndarray:
    """Return the weights of linear interpolation, (target, size), pixels being areas."""
    at = np.clip((np.arange(target) + 0.5) * size / target - 0.5, 0, size - 1)
    low = np.minimum(at.astype(int), max(size - 2, 0))
    weights = np.zeros((target, size), np.float32)
    weights[np.arange(target), low] = 1 - (at - low)
    weights[np.arange(target), np.minimum(low + 1, size - 1)] += at - low
    return weights
