"""Radiographs with outlines: what data yields, evaluation scores and report draws."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    import numpy as np  # A command that reads no film starts without it.

Part = Literal["train", "valid", "test"]
PARTS: tuple[Part, ...] = get_args(Part)
SYNTHETIC = "Synthetic X-rays: they say nothing of patients."
"""What every note on a study of phantoms says at its head."""
CAUTION = "Not a medical device: for research, not for the care of any person."
"""On every answer about a person's film."""
DICOM_SUFFIXES = {".dcm", ".dicom", ".ima"}


@dataclass(frozen=True)
class Spacing:
    """How far a film's pixels lie apart, and where that holds; only if calibrated in the body."""

    row_mm: float  # Between rows.
    column_mm: float  # Between columns.
    kind: Literal["calibrated", "at the detector", "of unknown plane"]


@dataclass(frozen=True)
class Outline:
    """One vertebral body, labelled or detected."""

    level: str
    points: np.ndarray  # (points, 2) float, x and y as fractions of width and height, 0..1
    confidence: float | None = None  # None for a label


@dataclass(frozen=True)
class LabelledFilm:
    """One radiograph on disk and the outlines drawn on it by its annotators."""

    path: Path
    outlines: tuple[Outline, ...]
    aspect: float | None = None  # True width over height, where it is known.
