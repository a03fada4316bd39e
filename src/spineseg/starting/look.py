"""Looks at a folder of films: reads all their names, and as many films as tell enough."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from spineseg.data.gather import named
from spineseg.data.intake import FilmFacts, Intake, take_in
from spineseg.data.labelled import read_merged_film
from spineseg.data.likeness.pairs import Pair, same_pictures
from spineseg.files import shown
from spineseg.starting.alikeness import Alike
from spineseg.starting.copies import twice
from spineseg.starting.folder_sources import folder_sources
from spineseg.starting.looked import Look
from spineseg.starting.other_guesses import (
    guessed_by_folders,
    guessed_by_identifiers,
    noted_folders,
    noted_identifiers,
)
from spineseg.starting.patient_guess import PatientGuess, guessed_by_names
from spineseg.starting.said import Say, meanwhile, said
from spineseg.workers import shared_workers

MOST_READ = 500
"""Films that are decoded: more of them tell little more of sizes, levels and likeness."""
_MEASURED = 100  # Films whose outlines are measured.


def look_at(place: Path, scratch: Path, say: Say) -> Look:
    """Return what lies in the folder `place`; films that are read are kept in `scratch`, empty.

    Up to `MOST_READ` films are decoded, whole patients of them by the names' first guess. Raises
    DataError where nothing can be read, UnlabelledError for films alone.
    """
    with meanwhile(f"looking at {shown(place)}", say):
        sources, unread = folder_sources(place)
        films = named(sources)
    radiographs = [intake.radiograph for intake in films]
    of = [intake.source_number for intake in films]
    say(f"{len(films):,} films by {', '.join(s.films.layout for s in sources)}")
    copies = twice([intake.film for intake in films], say)
    chosen = _chosen(films, guessed_by_names([_name(r) for r in radiographs], of))
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
        guess=_guess(radiographs, of, facts),
        body_share=_body_share([kept[at] for at in places], facts, places),
        kept=kept,
    )


def _name(radiograph: str) -> str:
    """Return the name of a radiograph without its folders: what a pattern is looked for in."""
    return radiograph.rpartition("/")[2]


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


def _guess(
    radiographs: Sequence[str], sources: Sequence[int], facts: dict[int, FilmFacts]
) -> PatientGuess:
    """Return the guess by DICOM identifiers where films have them, else by names and likeness."""
    names = [_name(radiograph) for radiograph in radiographs]
    told = {at: fact.dicom.patient_id for at, fact in facts.items() if fact.dicom}
    if told:
        by_identifiers = guessed_by_identifiers(
            [names[at] for at in facts], [told.get(at) for at in facts]
        )
        if by_identifiers is not None:
            return by_identifiers
    alike = Alike({at: fact.hashes for at, fact in facts.items()}) if facts else None
    guess = guessed_by_names(names, sources, alike)
    by_folders = guessed_by_folders(radiographs, sources) if guess.certainty == "none" else None
    return noted_identifiers(list(told.values()), by_folders or noted_folders(radiographs, guess))


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
