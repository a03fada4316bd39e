"""Made-up columns, and the scores that a network might give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from spineseg.levels import ANATOMICAL_ORDER, CLASS_INDEX, LUMBAR, RANK, THORACIC
from spineseg.prediction.numbering.decoding import Numbered, number_column
from spineseg.prediction.numbering.model import NumberingModel

HEIGHT, WIDTH = 800.0, 400.0
TRUNK = [*THORACIC, *LUMBAR]
SEQUENCE = NumberingModel(numbering="sequence")
SLIPS = {3: 1, 8: -1, 12: 1}  # position -> levels that the network is off there


def column_boxes(count: int, bend_px: float = 0.0, top: float = 40.0) -> np.ndarray:
    """Return the boxes of evenly spaced bodies, (count, 4) px, from the head down, S-shaped."""
    i = np.arange(count)
    x = 200 + bend_px * np.sin(2 * np.pi * i / max(count - 1, 1))
    y = top + 37.5 * i
    return np.stack([x - 21, y - 15, x + 21, y + 15], axis=1)


def scores_of(
    levels: Sequence[str], off: Mapping[int, int] | None = None, peak: float = 0.8
) -> np.ndarray:
    """Return level scores, (levels, 24): a peak, off by so many where told, its neighbours 0.1."""
    scores = np.zeros((len(levels), 24))
    for i, level in enumerate(levels):
        rank = RANK[level] + (off or {}).get(i, 0)
        for at, value in ((rank, peak), (rank - 1, 0.1), (rank + 1, 0.1)):
            scores[i, CLASS_INDEX[ANATOMICAL_ORDER[int(np.clip(at, 0, 23))]]] += value
    return scores


def undecided(count: int, anchors: Mapping[int, str], share: float = 0.03) -> np.ndarray:
    """Return scores that are equal for all levels, but at the anchors, which are sure."""
    scores = np.full((count, 24), share)
    for i, level in anchors.items():
        scores[i] = np.eye(24)[CLASS_INDEX[level]] * 0.9
    return scores


def numbered(
    boxes: np.ndarray, scores: np.ndarray, model: NumberingModel = SEQUENCE
) -> list[Numbered]:
    """Number a film, and check what holds of any."""
    found = number_column(boxes, scores, model, height_px=HEIGHT)
    confidences = [n.confidence for n in found]
    assert all(np.isfinite(c) and 0 <= c <= 1 for c in confidences)
    assert confidences == sorted(confidences, reverse=True)
    assert len({(n.detection, n.level) for n in found}) == len(found)
    assert all(0 <= n.detection < len(boxes) for n in found)
    chosen = [n for n in found if n.chosen]
    assert len({n.detection for n in chosen}) == len({n.level for n in chosen}) == len(chosen)
    return found


def levels(
    boxes: np.ndarray, scores: np.ndarray, model: NumberingModel = SEQUENCE
) -> list[str | None]:
    """Return the level of each detection that is a vertebra of the column, None for the others."""
    chosen = {n.detection: n.level for n in numbered(boxes, scores, model) if n.chosen}
    return [chosen.get(i) for i in range(len(boxes))]


def _best_ranks(scores: np.ndarray) -> list[int]:
    return [RANK[list(CLASS_INDEX)[i]] for i in scores.argmax(axis=1)]
