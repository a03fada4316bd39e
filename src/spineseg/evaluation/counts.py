"""What was found, numbered right and wrong, counted film by film."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from spineseg.evaluation.matching import greedy_matches
from spineseg.evaluation.precision import (
    overlaps,
)
from spineseg.evaluation.records import ImageRecord
from spineseg.levels import RANK, levels_apart

NUMBERING_CONFIDENCE = 0.25


@dataclass
class FilmCounts:
    """What was found, numbered right and wrong, on one film or several."""

    labelled: int = 0
    off_by_one: int = 0
    missed: int = 0
    invented: int = 0
    doubled: int = 0
    found: Counter[str] = field(default_factory=Counter)  # by true level
    right: Counter[str] = field(default_factory=Counter)
    confusion: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    dice: list[float] = field(default_factory=list)  # of each vertebra found
    boundary_px: list[float] = field(default_factory=list)

    @property
    def whole_column_right(self) -> bool:
        """Whether a film's every labelled vertebra is found and has its level."""
        return self.labelled > 0 and self.right.total() == self.labelled

    def add(self, other: FilmCounts) -> None:
        """Add another film's counts."""
        for name in ("labelled", "off_by_one", "missed", "invented", "doubled"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.found += other.found
        self.right += other.right
        for true, row in other.confusion.items():
            self.confusion[true].update(row)
        self.dice += other.dice
        self.boundary_px += other.boundary_px


def count_film(record: ImageRecord, confidence: float) -> FilmCounts:
    """Count one film's levels after class-agnostic matching at mask IoU 0.5."""
    counts = FilmCounts(labelled=len(record.truths))
    rows = [i for i, found in enumerate(record.found) if found.confidence >= confidence]
    overlap = overlaps(record, "mask", rows)
    matched = greedy_matches(overlap, 0.5)
    levels = [record.found[i].level for i in rows]
    counts.doubled = sum(n - 1 for n in Counter(levels).values())
    for place, (level, label) in enumerate(zip(levels, matched, strict=True)):
        true = record.truths[label].level if label >= 0 else "background"
        counts.confusion[true][level] += 1
        if label < 0:
            counts.invented += 1
            continue
        counts.found[true] += 1
        counts.right[true] += level == true
        counts.off_by_one += _next_to(true, level)
        iou, distance = float(overlap[place, label]), record.found[rows[place]].boundary_px
        counts.dice.append(2 * iou / (1 + iou))
        counts.boundary_px += [] if distance is None else [distance]
    for i in set(range(len(record.truths))) - set(matched.tolist()):
        counts.missed += 1
        counts.confusion[record.truths[i].level]["missed"] += 1
    return counts


def _next_to(true: str, level: str) -> bool:
    """Return whether a level is one up or down; T13 or L6, beyond the 24, is next to none."""
    return {true, level} <= RANK.keys() and abs(levels_apart(true, level)) == 1
