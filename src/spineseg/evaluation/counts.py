"""What was found, numbered right and wrong, counted film by film."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from spineseg.evaluation.records import FilmRecord, Signs
from spineseg.levels import RANK, levels_apart


@dataclass
class FilmCounts:
    """What was found, numbered right and wrong, on one film or several."""

    labelled: int = 0
    labelled_films: int = 0
    whole_columns_right: int = 0  # films whose every labelled vertebra is found with its level
    off_by_one: int = 0
    missed: int = 0
    invented: int = 0
    doubled: int = 0
    found_by_level: Counter[str] = field(default_factory=Counter)  # by true level
    right_by_level: Counter[str] = field(default_factory=Counter)
    confusion: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    dice: list[float] = field(default_factory=list)  # of each vertebra found
    boundary_px: list[float] = field(default_factory=list)
    boundary_share: list[float] = field(default_factory=list)  # Of the film's height.
    angle_errors_deg: list[float] = field(default_factory=list)  # Of the largest Cobb angle.
    centreline_errors_deg: list[float] = field(default_factory=list)  # Against the labels' Cobb.
    disc_errors: list[float] = field(default_factory=list)  # Of each disc's height ratio.
    not_measured: int = 0  # Films whose labels are measured, and whose detections are not.

    @property
    def found(self) -> int:
        """Labelled vertebrae that a detection of any level met."""
        return self.found_by_level.total()

    @property
    def right(self) -> int:
        """Labelled vertebrae that a detection of their level met."""
        return self.right_by_level.total()

    @property
    def wrong(self) -> int:
        """Labelled vertebrae that a detection of another level met."""
        return self.found - self.right

    @property
    def mistakes(self) -> int:
        """Wrong levels, missed and invented vertebrae together."""
        return self.wrong + self.missed + self.invented

    @classmethod
    def over(cls, films: Iterable[FilmCounts]) -> FilmCounts:
        """Return the counts of all films together."""
        total = cls()
        for film in films:
            for name in _SUMMED:
                setattr(total, name, getattr(total, name) + getattr(film, name))
            for true, row in film.confusion.items():
                total.confusion[true].update(row)
        return total


_SUMMED = (
    "labelled", "labelled_films", "whole_columns_right", "off_by_one", "missed", "invented",
    "doubled", "found_by_level", "right_by_level", "dice", "boundary_px", "boundary_share",
    "angle_errors_deg", "centreline_errors_deg", "disc_errors", "not_measured",
)  # fmt: skip


def count_film(record: FilmRecord) -> FilmCounts:
    """Count one film's levels by the match that its record keeps."""
    counts = FilmCounts(labelled=len(record.truths), labelled_films=int(bool(record.truths)))
    counted = record.counted
    counts.doubled = sum(n - 1 for n in Counter(record.found[i].level for i in counted).values())
    for i in counted:
        found, label = record.found[i], record.met[i]
        true = record.truths[label].level if label >= 0 else "background"
        counts.confusion[true][found.level] += 1
        if label < 0:
            counts.invented += 1
            continue
        counts.found_by_level[true] += 1
        counts.right_by_level[true] += found.level == true
        counts.off_by_one += _next_to(true, found.level)
        iou = record.mask_iou[i][label]
        counts.dice.append(2 * iou / (1 + iou))
        if found.boundary_px is not None:
            counts.boundary_px.append(found.boundary_px)
            counts.boundary_share.append(found.boundary_px / record.height)
    for i in set(range(len(record.truths))) - set(record.met):
        counts.missed += 1
        counts.confusion[record.truths[i].level]["missed"] += 1
    counts.whole_columns_right = int(0 < counts.labelled == counts.right)
    if record.signs is not None and record.signs.labelled.refused is None:
        _count_signs(counts, record.signs)
    return counts


def _count_signs(counts: FilmCounts, signs: Signs) -> None:
    found, labelled = signs.found, signs.labelled
    counts.not_measured = int(found.refused is not None)
    if found.largest_deg is not None and labelled.largest_deg is not None:
        counts.angle_errors_deg.append(abs(found.largest_deg - labelled.largest_deg))
        if found.centreline_deg is not None:
            counts.centreline_errors_deg.append(abs(found.centreline_deg - labelled.largest_deg))
    counts.disc_errors += [
        abs(found.discs[gap] - labelled.discs[gap]) for gap in labelled.discs if gap in found.discs
    ]


def _next_to(true: str, level: str) -> bool:
    """Return whether a level is one up or down; T13 or L6, beyond the 24, is next to none."""
    return {true, level} <= RANK.keys() and abs(levels_apart(true, level)) == 1
