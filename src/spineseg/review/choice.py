"""Which films are looked at: the doubtful ones, worst first, and a sample of the sound."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from spineseg.data.audit import Finding
from spineseg.data.manifest import Dataset, ManifestEntry
from spineseg.films import Part

WORST_FIRST = (
    "column-shifted",
    "levels-out-of-order",
    "level-twice",
    "two-levels-one-body",
    "level-missing",
    "outside-column",
    "no-labels",
    "label-dropped",
)
"""Kinds of doubt, worst first: a whole column's levels, then several, single ones, outlines."""
_NOT_OF_LABELS = "patient-unknown"
_LOST = "label-dropped"  # Mended by leaving a label out: the film lacks it now.


@dataclass(frozen=True)
class FilmToReview:
    """One film of the dataset, and what was found about its labels."""

    name: str
    part: Part
    path: Path
    patient: str
    findings: tuple[Finding, ...]  # worst first; none: a sound film

    @property
    def marked(self) -> tuple[int, ...]:
        """The labels that any finding is about, by line, from 0."""
        return tuple(sorted({label for finding in self.findings for label in finding.labels}))

    @property
    def text(self) -> str:
        """All findings in a line, worst first; empty for a sound film."""
        return "; ".join(f"{finding.kind}: {finding.detail}" for finding in self.findings)


@dataclass(frozen=True)
class Choice:
    """The films of a review, and how many there were to choose from."""

    doubtful: tuple[FilmToReview, ...]  # worst first
    sound: tuple[FilmToReview, ...]  # by name
    all_sound: int
    all_films: int
    related: int  # Films left out whose patient has a film here.

    @property
    def films(self) -> tuple[FilmToReview, ...]:
        """All of them, the doubtful first."""
        return self.doubtful + self.sound

    @property
    def whole(self) -> bool:
        """Whether no film of the dataset is left out."""
        return len(self.films) == self.all_films


def chosen_films(dataset: Dataset, findings: Iterable[Finding], sound: int) -> Choice:
    """Return the films with doubts about their labels, and `sound` of the others.

    Films are ordered by their worst kind of doubt, then by the number of labels that it is about.
    The sample is drawn with the dataset's fingerprint as its seed. Augmented copies are left out.
    """
    about: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        doubted = finding.severity == "doubt" and finding.kind != _NOT_OF_LABELS
        if doubted or finding.kind == _LOST:
            for name in finding.films:
                about[name].append(finding)
    entries = [entry for entry in dataset.manifest.entries if not entry.augmented]
    doubtful = [
        _film(dataset, entry, about[entry.name]) for entry in entries if entry.name in about
    ]
    others = [entry for entry in entries if entry.name not in about]
    drawn = random.Random(dataset.fingerprint).sample(others, min(sound, len(others)))
    chosen = {film.name for film in doubtful} | {entry.name for entry in drawn}
    patients = {(e.source, e.patient) for e in entries if e.name in chosen}
    return Choice(
        doubtful=tuple(sorted(doubtful, key=_badness)),
        sound=tuple(_film(dataset, e, []) for e in sorted(drawn, key=lambda entry: entry.name)),
        all_sound=len(others),
        all_films=len(entries),
        related=sum(e.name not in chosen and (e.source, e.patient) in patients for e in entries),
    )


def rank(kind: str) -> int:
    """Return a kind's place among the doubts, 0 the worst; unknown kinds come last."""
    return WORST_FIRST.index(kind) if kind in WORST_FIRST else len(WORST_FIRST)


def _film(dataset: Dataset, entry: ManifestEntry, findings: list[Finding]) -> FilmToReview:
    path = dataset.folder / entry.part / "images" / entry.name
    ordered = tuple(sorted(findings, key=lambda finding: rank(finding.kind)))
    return FilmToReview(entry.name, entry.part, path, entry.patient, ordered)


def _badness(film: FilmToReview) -> tuple[int, int, str]:
    return rank(film.findings[0].kind), -len(film.marked), film.name
