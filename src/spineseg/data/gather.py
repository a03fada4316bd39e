"""Gathers the films of all sources, each under a name of its own; damage is refused or left out."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from spineseg.config.data import DataConfig
from spineseg.data.audit import Finding
from spineseg.data.film_source import IMAGE_SUFFIXES
from spineseg.data.intake import GatheredFilm, Intake, take_in
from spineseg.data.labels import IS_BOX
from spineseg.data.opened import OpenedSource
from spineseg.data.patients import radiograph_of, whose
from spineseg.errors import DataError
from spineseg.files import shown, write_whole

_LONGEST_NAME = 200  # Bytes; file systems take 255, and prefixes come before it.


def named(sources: Sequence[OpenedSource]) -> list[Intake]:
    """Return every film with the name that it will have.

    Films of one name in several folders are named by their folders as well. Raises
    DataError where two in one folder have the same name, but for suffix or capitals, and where one
    file is a film twice, as by a source and a folder within it.
    """
    films = [(number, film) for number, s in enumerate(sources) for film in s.films.films]
    seen: dict[str, int] = {}
    for number, film in films:
        other = seen.setdefault(os.path.realpath(film.path), number)
        if other != number:
            raise DataError(
                f"{shown(film.path)}: is a film of source {other + 1} and of source {number + 1}, "
                "and would count twice; name it in one"
            )
    names = [_clean_name(film.path.name) for _, film in films]
    taken = _taken(names)
    for i, (number, film) in enumerate(films):
        if taken[_key(names[i])] > 1:
            names[i] = f"s{number + 1}-{film.part or 'films'}-{names[i]}"
    taken = _taken(names)
    for i, (number, film) in enumerate(films):
        if taken[_key(names[i])] > 1:
            inner = _folders(film.path, sources[number].films.folder)
            names[i] = _clean_name(f"{inner}-{names[i]}")
    taken = _taken(names)
    for name, (_, film) in zip(names, films, strict=True):
        if taken[_key(name)] > 1:
            raise DataError(
                f"{shown(film.path)}: another film has this name, but for its suffix or "
                "capitals, and so the same labels; rename one with its labels"
            )
    return [
        Intake(
            film,
            sources[number].config,
            number,
            name,
            radiograph_of(film.path, sources[number].films.folder),
        )
        for (number, film), name in zip(films, names, strict=True)
    ]


def _taken(names: Sequence[str]) -> Counter[str]:
    return Counter(_key(name) for name in names)


def _key(name: str) -> str:
    return PurePath(name).stem.casefold()


def _folders(film: Path, source: Path) -> str:
    """Return the folders between a source and its film as a name."""
    return "-".join(film.parent.relative_to(source).parts) if film.is_relative_to(source) else ""


def _clean_name(name: str) -> str:
    """Return a file name without control characters and not too long, still its own."""
    clean = re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff/\\]", "_", name)
    if PurePath(clean).suffix.lower() not in IMAGE_SUFFIXES:  # DICOM may have none, or a number.
        clean += ".dcm"
    if clean == name and len(name.encode()) <= _LONGEST_NAME:
        return name
    mark = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    suffix = PurePath(clean).suffix
    stem = PurePath(clean).stem.encode()[: _LONGEST_NAME - 20].decode(errors="ignore")
    return f"{stem}-{mark}{suffix}"


def gathered(
    intakes: Sequence[Intake],
    sources: Sequence[OpenedSource],
    config: DataConfig,
    folder: Path,
    salt: bytes,
) -> list[GatheredFilm]:
    """Copy each film and its cleaned labels into `folder`, and return what was found, in order.

    `salt` hides DICOM identifiers. Raises DataError where a class name is no level.
    """
    films = []
    for intake, facts in zip(intakes, take_in(intakes, folder, boxes=config.boxes), strict=True):
        ids = (facts.dicom.patient_id, facts.dicom.study_uid) if facts.dicom else (None, None)
        who = whose(intake.radiograph, intake.source_number, ids, config, salt)
        films.append(GatheredFilm(intake, facts, who))
    for number, source in enumerate(sources):
        own = [film for film in films if film.intake.source_number == number]
        unmapped = {name for film in own for name in film.facts.unmapped}
        if unmapped:
            raise DataError(
                f"{source.name}: classes {', '.join(sorted(unmapped))} are none of the 24 levels "
                "C1..C7, T1..T12, L1..L5; map them by the source's class_map, or leave them out "
                "by its drop_classes"
            )
    return films


def refuse_damage(
    films: Sequence[GatheredFilm], sources: Sequence[OpenedSource], refusals: Path
) -> None:
    """Raise DataError where films or labels are damaged beyond mending, or would be lost.

    Where there are several, they are all listed in `refusals`.
    """
    problems = [
        f"{shown(file.path)}: {file.reason}"
        for source in sources
        for file in source.films.left_out
        if file.is_loss
    ]
    problems += [film.facts.problem for film in films if film.facts.problem]
    problems += [
        f"{note.where}: {note.text}"
        for film in films
        for note in film.facts.notes
        if note.kind == "damaged"
    ]
    boxes = sum(IS_BOX in problem for problem in problems)
    accepted = "data.boxes: rectangle, which takes boxes as they are, or " if boxes else ""
    if len(problems) == 1:
        raise DataError(f"{problems[0]} (or set {accepted}data.damaged: drop)")
    if problems:
        write_whole(refusals, "\n".join(problems) + "\n")
        raise DataError(
            f"{problems[0]} (and {len(problems) - 1} more, listed in {refusals}; mend them, or set "
            f"{accepted}data.damaged: drop)"
        )


def left_out(films: Sequence[GatheredFilm], sources: Sequence[OpenedSource]) -> Iterator[Finding]:
    """Yield what cannot be used: films, labels that have no film, other files that are a loss."""
    for film in films:
        if film.facts.problem:
            yield Finding(
                kind="film-dropped",
                severity="mended",
                films=(film.intake.name,),
                detail=film.facts.problem,
            )
    for source in sources:
        for path in source.films.orphans:
            yield Finding(
                kind="labels-without-film",
                severity="doubt",
                films=(path.name,),
                detail=f"{shown(path)}: there is no film of this name",
            )
        for file in source.films.left_out:
            if file.is_loss:
                yield Finding(
                    kind="film-dropped",
                    severity="mended",
                    films=(file.path.name,),
                    detail=f"{shown(file.path)}: {file.reason}",
                )
