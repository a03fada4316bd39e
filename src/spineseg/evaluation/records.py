"""Records of single films: labels, detections, overlaps, and which met which; kept on disk."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from spineseg.config.model import Model
from spineseg.films import Outline


class Truth(Model):
    """One labelled vertebra."""

    level: str
    box: tuple[float, float, float, float]  # x1, y1, x2, y2 in pixels


class Found(Model):
    """One detection."""

    level: str
    confidence: float
    level_scores: tuple[float, ...]  # 24, in CLASS_NAMES' order
    box: tuple[float, float, float, float]
    polygon: tuple[tuple[float, float], ...]  # fractions of the image; empty where not drawn
    boundary_px: float | None = None  # Mean distance to the label's outline, where it has one.


class ImageRecord(Model):
    """One image's labels, detections and their overlaps: all that scoring needs."""

    name: str
    height: int
    width: int
    seconds: float
    truths: tuple[Truth, ...]
    found: tuple[Found, ...]  # most confident first
    box_iou: tuple[tuple[float, ...], ...]  # (detections, labels)
    mask_iou: tuple[tuple[float, ...], ...]

    def outlines(self, confidence: float = 0.25) -> tuple[Outline, ...]:
        """Return the detections at least as certain as `confidence`, for drawing."""
        return tuple(
            Outline(found.level, np.array(found.polygon), found.confidence)
            for found in self.found
            if found.confidence >= confidence and found.polygon
        )


_RECORDS = TypeAdapter(list[ImageRecord])


def save_matches(path: Path, records: list[ImageRecord]) -> None:
    """Write the records as gzipped JSON, whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(gzip.compress(_RECORDS.dump_json(records), compresslevel=4, mtime=0))
    part.replace(path)


def load_matches(path: Path) -> list[ImageRecord]:
    """Read what `save_matches` wrote."""
    return _RECORDS.validate_json(gzip.decompress(path.read_bytes()))
