"""Guesses whose films are whose where not names say it: by folders, or by DICOM identifiers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from spineseg.starting.groupings import LEAST_TOLD, most_of_one
from spineseg.starting.name_parts import names_a_patient
from spineseg.starting.patient_guess import (
    LEAST_TAGGED,
    SHOWN_FILMS,
    PatientGuess,
    largest_groups,
)


def guessed_by_folders(radiographs: Sequence[str], sources: Sequence[int]) -> PatientGuess | None:
    """Return the guess by the folders that films lie in, none where these are no patients'.

    `radiographs` are films' places within their sources (`radiograph_of`).
    """
    groups: dict[tuple[int, str], list[int]] = defaultdict(list)
    for place, radiograph in enumerate(radiographs):
        folder, inner, _ = radiograph.partition("/")
        if inner:
            groups[sources[place], folder].append(place)
    told = sum(map(len, groups.values()))
    films = len(radiographs)
    if told < LEAST_TOLD * films or not 2 <= len(groups) < told:
        return None
    if max(map(len, groups.values())) > most_of_one(films) and not _are_named(groups):
        return None
    rests = {radiograph.partition("/")[2] for radiograph in radiographs}
    likely = len(groups) / (len(groups) + len(rests)) < LEAST_TAGGED and not _are_named(groups)
    return PatientGuess(
        certainty="likely" if likely else "sure",
        patients_from="folders",
        patients=len(groups) + films - told,
        films_told=told,
        films_alone=films - told,
        alone=tuple(r for r in radiographs if "/" not in r)[:SHOWN_FILMS],
        largest=largest_groups(
            {f"{s}:{folder}": g for (s, folder), g in groups.items()}, radiographs
        ),
        why=f"{told} of {films} films lie in {len(groups)} folders, their names tell no patient",
    )


def guessed_by_identifiers(
    names: Sequence[str], identifiers: Sequence[str | None]
) -> PatientGuess | None:
    """Return the guess by DICOM PatientIDs, none where they tell too few films or only one patient.

    An identifier is compared and counted, never shown.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for place, identifier in enumerate(identifiers):
        if identifier:
            groups[identifier].append(place)
    told = sum(map(len, groups.values()))
    if told < LEAST_TOLD * len(names) or len(groups) < 2:
        return None
    many = max(map(len, groups.values())) > most_of_one(len(names))
    return PatientGuess(
        certainty="likely" if many else "sure",
        patients_from="dicom-patient",
        patients=len(groups) + len(names) - told,
        films_told=told,
        films_alone=len(names) - told,
        alone=tuple(n for n, i in zip(names, identifiers, strict=True) if not i)[:SHOWN_FILMS],
        largest=largest_groups(
            {f":patient {n}": g for n, g in enumerate(groups.values(), 1)}, names
        ),
        why=f"{told} of {len(names)} films have a DICOM PatientID, {len(groups)} different ones",
    )


def noted_folders(radiographs: Sequence[str], guess: PatientGuess) -> PatientGuess:
    """Return a guess that tells no patient with the folders that it may overlook, where some are.

    Folders of many films each may be patients, hospitals or years: names alone do not say.
    """
    folders = [radiograph.partition("/")[0] for radiograph in radiographs if "/" in radiograph]
    count = len(set(folders))
    if guess.certainty != "none" or not 2 <= count < len(folders) >= LEAST_TOLD * len(radiographs):
        return guess
    most = max(map(folders.count, set(folders)))
    told = f"data.patients_from: folders ({count} patients, at most {most} films each)"
    return guess.model_copy(update={"others": (*guess.others, told)})


def noted_identifiers(identifiers: Sequence[str | None], guess: PatientGuess) -> PatientGuess:
    """Return a guess with a question where several films all have one DICOM PatientID."""
    told = [identifier for identifier in identifiers if identifier]
    if len(told) < 2 or len(set(told)) > 1 or guess.patients < 2:
        return guess
    note = (
        f"{len(told)} films have one and the same DICOM PatientID: taken away, or one patient? "
        "If one, this is no study: films of more patients are needed"
    )
    return guess.model_copy(update={"notes": (*guess.notes, note)})


def _are_named(folders: Iterable[tuple[int, str]]) -> bool:
    """Return whether all folders are named as patients are: p01, patient 7."""
    return all(names_a_patient(folder) for _, folder in folders)
