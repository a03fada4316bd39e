"""Counts what a look found: formats, sizes, levels, what is left out, whose the films are."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from statistics import median

from spineseg.config.data import DataConfig, LocalSource
from spineseg.data.left_out import left_out_files
from spineseg.data.patients import Whose, whose
from spineseg.errors import DataError
from spineseg.files import shown
from spineseg.levels import ANATOMICAL_ORDER, spelt, view_of
from spineseg.starting.found import Found, FoundSource, FoundTwice
from spineseg.starting.looked import Look

_SHOWN = 5
_MOST_NO_LEVELS = 0.5  # Of all labels: of more the class names are meant otherwise, not the labels.


def found_in(look: Look) -> Found:
    """Return what a look found. Raises DataError where most labels are of no known level."""
    facts = look.facts
    levels = Counter(level for fact in facts.values() for level in fact.levels)
    notes = Counter(note.kind for fact in facts.values() for note in fact.notes)
    patient_of = dict(zip(_divided(look), (who.patient for who in whose_films(look)), strict=True))
    sides = [max(fact.size_px) for fact in facts.values()]
    if not facts:
        first = next(iter(look.problems.values()))
        raise DataError(f"none of the {len(look.problems)} films can be used, as {first}")
    return Found(
        folder=shown(look.place),
        sources=tuple(_source(look, number) for number in range(len(look.sources))),
        not_read={shown(path): reason for path, reason in look.unread.items()},
        films=len(look.films),
        labelled=look.labelled,
        read=len(facts) + len(look.problems),
        formats=look.formats(),
        sizes=dict(Counter(_size(fact.size_px) for fact in facts.values()).most_common(_SHOWN)),
        longest_px=round(median(sides)),
        views=dict(Counter(view_of(f.levels) for f in facts.values() if f.levels)),
        levels={level: levels[level] for level in ANATOMICAL_ORDER if levels[level]},
        levels_a_film=round(median([len(f.levels) for f in facts.values() if f.levels] or [0])),
        boxes=notes.pop("box", 0),
        no_levels=_no_levels(look),
        mended={kind: count for kind, count in notes.items() if kind != "damaged"},
        problems={look.name(at): problem for at, problem in look.problems.items()},
        lost=sum(file.is_loss for source in look.sources for file in source.films.left_out),
        twice=tuple(
            FoundTwice(
                first=look.name(pair.first),
                second=look.name(pair.second),
                same_labels=pair.same_labels,
            )
            for pair in look.twice
        ),
        alike=len(look.pairs),
        across=tuple(
            f"{look.name(one)} and {look.name(other)}"
            for one, other, _ in look.pairs
            if look.guess.certainty != "none" and patient_of[one] != patient_of[other]
        ),
        guess=look.guess,
    )


def _divided(look: Look) -> list[int]:
    """Return the films whose patients are known: all but damaged ones, or, by DICOM, those read."""
    if look.guess.patients_from.startswith("dicom"):
        return list(look.facts)
    return [at for at in range(len(look.films)) if at not in look.problems]


def whose_films(look: Look) -> list[Whose]:
    """Return whose the films are that `_divided` names."""
    config = data_config(look, (), boxes=False)
    found = []
    for at in _divided(look):
        intake, fact = look.films[at], look.facts.get(at)
        ids = (fact.dicom.patient_id if fact and fact.dicom else None, None)
        found.append(whose(intake.radiograph, intake.source_number, ids, config, b"here alone"))
    return found


def labelled_patients(look: Look) -> int:
    """Return how many patients have a labelled film: of the films read, where DICOM tells them."""
    told = zip(whose_films(look), labelled_films(look), strict=True)
    return len({who.patient for who, is_labelled in told if is_labelled})


def labelled_films(look: Look) -> list[bool]:
    """Return which films of `whose_films` somebody labelled, be it as showing nothing."""
    return [look.films[at].film.has_labels for at in _divided(look)]


def alike_films(look: Look) -> list[tuple[int, int]]:
    """Return pairs of films that show one picture, by their places in `whose_films`."""
    row = {at: number for number, at in enumerate(_divided(look))}
    pairs = [(one, other) for one, other, _ in (*look.pairs, *look.twice)]
    return [(row[one], row[other]) for one, other in pairs if one in row and other in row]


def data_config(look: Look, no_levels: tuple[str, ...], *, boxes: bool) -> DataConfig:
    """Return the sources and the patients as a config has them, without a division."""
    return DataConfig(
        sources=tuple(
            LocalSource(kind="local", path=Path(_path(source.films.folder)), drop_classes=no_levels)
            for source in look.sources
        ),
        boxes="rectangle" if boxes else "refuse",
        damaged="drop",
        patient_pattern=look.guess.pattern,
        patients_from=look.guess.patients_from,
    )


def _path(folder: Path) -> str:
    """Return a source's path: relative where it lies in the working folder, as commands take it."""
    here = Path.cwd()
    return os.fspath(folder.relative_to(here) if folder.is_relative_to(here) else folder)


def _source(look: Look, number: int) -> FoundSource:
    source = look.sources[number]
    own = [intake for intake in look.films if intake.source_number == number]
    return FoundSource(
        path=_path(source.films.folder),
        layout=source.films.layout,
        films=len(own),
        labelled=sum(intake.film.has_labels for intake in own),
        left_out=tuple(left_out_files(source, ())),
    )


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _no_levels(look: Look) -> tuple[str, ...]:
    """Return the class names that are no level; raise DataError where most labels have such."""
    labels: Counter[str] = Counter()
    for fact in look.facts.values():
        labels.update(fact.class_names)
    unmapped = {name for fact in look.facts.values() for name in fact.unmapped}
    foreign = sorted(name for name in labels if spelt(name) in unmapped)
    count = sum(labels[name] for name in foreign)
    if count > _MOST_NO_LEVELS * labels.total():
        raise DataError(
            f"{shown(look.place)}: classes {', '.join(map(spelt, foreign[:24]))} are none of the "
            "24 levels C1..C7, T1..T12, L1..L5, and most labels have them; copy "
            "configs/studies/local.yaml and map them by the source's class_map"
        )
    return tuple(foreign)
