"""Looks at a folder of films: reads all names, as many films as tell enough, and keeps what it read."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np

from spineseg.data.film_source import suffix_of
from spineseg.data.gather import named
from spineseg.data.intake import FilmFacts, Intake, take_in
from spineseg.data.labelled import read_merged_film
from spineseg.data.likeness.pairs import Pair, same_pictures
from spineseg.data.opened import OpenedSource
from spineseg.files import shown
from spineseg.starting.alikeness import Alike
from spineseg.starting.copies import Twice, twice
from spineseg.starting.folder_sources import folder_sources
from spineseg.starting.patient_guess import (
    PatientGuess,
    guessed_by_identifiers,
    guessed_by_names,
)
from spineseg.starting.said import Say, meanwhile, said
from spineseg.workers import shared_workers

MOST_READ = 500
"""Films that are decoded: more of them tell little more of sizes, levels and likeness."""
_MEASURED = 100  # Films whose outlines are measured.


@dataclass(frozen=True)
class Look:
    """What lies in a folder. Films are told by their places in `films`."""

    place: Path
    sources: list[OpenedSource]
    unread: dict[Path, str]  # Folders and files that no reader took, and why.
    films: list[Intake]
    facts: dict[int, FilmFacts]  # Of the films that were read and can be used.
    problems: dict[int, str]  # Of those that cannot.
    pairs: list[tuple[int, int, str]]  # Films that show one picture, and how.
    twice: list[Twice]
    guess: PatientGuess
    body_share: float | None  # A body's shorter side as a share of the film's longer, the median.
    kept: dict[int, Path] = field(default_factory=dict)  # The films read, as they would be merged.

    @property
    def is_sample(self) -> bool:
        """Whether some films were not read."""
        return len(self.facts) + len(self.problems) < len(self.films)

    @property
    def labelled(self) -> int:
        """How many films somebody labelled, be it as showing nothing."""
        return sum(intake.film.has_labels for intake in self.films)

    def name(self, place: int) -> str:
        """Return a film's name for people."""
        return shown(self.films[place].film.path.name)

    def formats(self) -> dict[str, int]:
        """Return how many films there are of each suffix, most first."""
        found = Counter(suffix_of(i.film.path.name) or "no suffix" for i in self.films)
        return dict(found.most_common())


def look_at(place: Path, scratch: Path, say: Say) -> Look:
    """Return what lies in the folder `place`; films that are read are kept in `scratch`, empty.

    Up to `MOST_READ` films are decoded, whole patients of them by the names' first guess. Raises
    DataError where nothing can be read, UnlabelledError for films alone.
    """
    with meanwhile(f"looking at {shown(place)}", say):
        sources, unread = folder_sources(place)
        films = named(sources)
    names = [intake.radiograph.rpartition("/")[2] for intake in films]
    say(f"{len(films):,} films by {', '.join(s.films.layout for s in sources)}")
    copies = twice([intake.film for intake in films], say)
    chosen = _chosen(films, guessed_by_names(names))
    with shared_workers():
        found = take_in([films[place] for place in chosen], scratch, boxes="rectangle")
        read = dict(zip(chosen, said(found, len(chosen), "reading films", say), strict=True))
        facts = {at: fact for at, fact in read.items() if not fact.problem}
        kept = {at: scratch / fact.name for at, fact in facts.items()}
        places = list(facts)
        with meanwhile("comparing films with each other", say):
            hashes = [facts[at].hashes for at in places]
            pairs = same_pictures(hashes, [kept[at] for at in places])
    return Look(
        place=place,
        sources=sources,
        unread=unread,
        films=films,
        facts=facts,
        problems={at: fact.problem for at, fact in read.items() if fact.problem},
        pairs=[_placed(pair, places) for pair in pairs],
        twice=copies,
        guess=_guess(names, facts),
        body_share=_body_share([kept[at] for at in places], facts, places),
        kept=kept,
    )


def _chosen(films: Sequence[Intake], guess: PatientGuess) -> list[int]:
    """Return the films to read: all, or those of patients drawn by chance, the same each time."""
    if len(films) <= MOST_READ:
        return list(range(len(films)))
    of: dict[str, list[int]] = defaultdict(list)
    for place, intake in enumerate(films):
        of[patient_in(intake, guess)].append(place)
    patients = sorted(of)
    random.Random(0).shuffle(patients)
    chosen: list[int] = []
    for patient in patients:
        if len(chosen) + len(of[patient]) <= MOST_READ:
            chosen += of[patient]
    return sorted(chosen)


def patient_in(intake: Intake, guess: PatientGuess) -> str:
    """Return the patient that a film's name says, else the radiograph."""
    stem = intake.radiograph.rpartition("/")[2]
    match = re.search(guess.pattern, stem) if guess.pattern else None
    return f"{intake.source_number}:{match[1] if match and match[1] else intake.radiograph}"


def _guess(names: Sequence[str], facts: dict[int, FilmFacts]) -> PatientGuess:
    """Return the guess by DICOM identifiers where films have them, else by names and likeness."""
    told = {at: fact.dicom.patient_id for at, fact in facts.items() if fact.dicom}
    if told:
        by_identifiers = guessed_by_identifiers(
            [names[at] for at in facts], [told.get(at) for at in facts]
        )
        if by_identifiers is not None:
            return by_identifiers
    alike = Alike({at: fact.hashes for at, fact in facts.items()}) if facts else None
    return guessed_by_names(names, alike)


def _placed(pair: Pair, places: Sequence[int]) -> tuple[int, int, str]:
    return places[pair.first], places[pair.second], pair.how


def _body_share(
    films: Sequence[Path], facts: dict[int, FilmFacts], places: Sequence[int]
) -> float | None:
    """Return the median shorter side of the bodies, as a share of the film's longer side."""
    shares = []
    for path, at in list(zip(films, places, strict=True))[:_MEASURED]:
        size = np.array(facts[at].size_px, float)
        for outline in read_merged_film(path).outlines:
            extent = (outline.points.max(axis=0) - outline.points.min(axis=0)) * size
            shares.append(float(extent.min() / size.max()))
    return median(shares) if shares else None
