"""Records of single films: labels, detections, overlaps, and which met which; kept on disk."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import Field, TypeAdapter

from spineseg.config.model import Model
from spineseg.evaluation.greedy import greedy_matches
from spineseg.files import write_whole
from spineseg.films import Outline
from spineseg.levels import View
from spineseg.metrics import COUNTED_CONFIDENCE, MET_IOU


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
    polygon: tuple[tuple[float, float], ...]  # fractions of the film; empty where not drawn
    boundary_px: float | None = None  # Mean distance to the label's outline, where it has one.


class Measured(Model):
    """What is measured of a film whose shape is known, by its labels or by what was found."""

    view: View | None = None
    largest_deg: float | None = Field(None, description="Largest Cobb angle of a frontal film.")
    centreline_deg: float | None = Field(None, description="Angle of its centreline, alike.")
    discs: dict[str, float] = Field(
        default_factory=dict, description="Level above -> mean height over depth, lateral films."
    )
    refused: str | None = Field(None, description="Why nothing could be measured.")


class Signs(Model):
    """One film of known shape, measured by its labels and by what was found."""

    aspect: float = Field(description="True width over height.")
    labelled: Measured
    found: Measured = Measured()


class FilmRecord(Model):
    """One film's labels, detections and their overlaps: all that scoring and drawing need.

    Made by `matched_record`, so that every count and every picture go by one match.
    """

    name: str
    height: int
    width: int
    seconds: float
    truths: tuple[Truth, ...]
    found: tuple[Found, ...]  # most confident first
    box_iou: tuple[tuple[float, ...], ...]  # (detections, labels)
    mask_iou: tuple[tuple[float, ...], ...]
    met: tuple[int, ...]  # (detections,) label that each meets whatever its level, -1: none
    signs: Signs | None = None  # What both measure, where the film's true shape is known.

    @property
    def counted(self) -> list[int]:
        """The detections that count, by place: those certain enough."""
        return [i for i, found in enumerate(self.found) if found.confidence >= COUNTED_CONFIDENCE]

    def changed(
        self,
        *,
        found: Sequence[Found] | None = None,
        box_iou: Sequence[Sequence[float]] | None = None,
        mask_iou: Sequence[Sequence[float]] | None = None,
    ) -> FilmRecord:
        """Return the record with other detections or overlaps, matched anew."""
        return matched_record(
            name=self.name,
            height=self.height,
            width=self.width,
            seconds=self.seconds,
            truths=self.truths,
            found=self.found if found is None else found,
            box_iou=self.box_iou if box_iou is None else box_iou,
            mask_iou=self.mask_iou if mask_iou is None else mask_iou,
            signs=self.signs,
        )

    def outline(self, detection: int) -> Outline:
        """Return a detection's outline, for drawing; it has no points where it was not kept."""
        found = self.found[detection]
        points = np.array(found.polygon, float).reshape(-1, 2)
        return Outline(found.level, points, found.confidence)


_RECORDS = TypeAdapter(list[FilmRecord])


def matched_record(
    *,
    name: str,
    height: int,
    width: int,
    seconds: float,
    truths: Sequence[Truth],
    found: Sequence[Found],
    box_iou: Sequence[Sequence[float]],
    mask_iou: Sequence[Sequence[float]],
    signs: Signs | None = None,
) -> FilmRecord:
    """Return a film's record with the match behind every count.

    It is class-agnostic and greedy at mask IoU 0.5, over the detections that count, the most
    confident first.
    """
    counted = [i for i, f in enumerate(found) if f.confidence >= COUNTED_CONFIDENCE]
    overlap = np.array([mask_iou[i] for i in counted], float).reshape(len(counted), len(truths))
    met = [-1] * len(found)
    for place, label in zip(counted, greedy_matches(overlap, MET_IOU).tolist(), strict=True):
        met[place] = label
    return FilmRecord(
        name=name,
        height=height,
        width=width,
        seconds=seconds,
        truths=tuple(truths),
        found=tuple(found),
        box_iou=tuple(tuple(row) for row in box_iou),
        mask_iou=tuple(tuple(row) for row in mask_iou),
        met=tuple(met),
        signs=signs,
    )


def save_records(path: Path, records: Sequence[FilmRecord]) -> None:
    """Write the records as gzipped JSON, whole or not at all."""
    content = _RECORDS.dump_json(list(records))
    write_whole(path, gzip.compress(content, compresslevel=4, mtime=0))


def load_records(path: Path) -> list[FilmRecord]:
    """Read what `save_records` wrote. Raises OSError, pydantic.ValidationError."""
    return _RECORDS.validate_json(gzip.decompress(path.read_bytes()))
