"""What a network says of a film: its detections, each with a mask and scores of all levels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spineseg.prediction.film_mask import FilmMask


@dataclass(frozen=True)
class Detection:
    """One vertebra that the network believes in."""

    level: str
    confidence: float
    level_scores: np.ndarray  # (24,) float32, in CLASS_NAMES' order; 0 for a level unknown to it
    box: np.ndarray  # (4,) float: x1, y1, x2, y2 in pixels of the film
    mask: FilmMask  # at the film's own resolution


@dataclass(frozen=True)
class Prediction:
    """All detections on one film, most confident first."""

    path: Path
    height: int
    width: int
    detections: tuple[Detection, ...]
    seconds: float  # reading left out; a batch's time shared among its films
