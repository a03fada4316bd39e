"""Tells whose a film is: by its name, or by DICOM identifiers, which are kept nowhere."""

from __future__ import annotations

import contextlib
import hmac
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from spineseg.config.data import DataConfig
from spineseg.data.account import PatientAccount
from spineseg.data.film_source import stem_of
from spineseg.data.layouts.folder_names import IMAGE_FOLDERS, part_named
from spineseg.errors import DataError
from spineseg.files import shown

_ROBOFLOW_COPY = re.compile(r"^(?P<stem>.+?)(_(jpe?g|png|bmp|tiff?|webp))?\.rf\.[0-9a-zA-Z]+$")
_SALT_FILE = "patients.salt"
_SALT_BYTES = 32
_EXAMPLES = 5
_TOLD_BY = {
    "folders": "a folder of each patient",
    "dicom-patient": "DICOM PatientID",
    "dicom-study": "DICOM StudyInstanceUID",
}
EVERYWHERE = -1
"""The source of a patient that is the same in all sources, as DICOM identifiers are."""


class Patient(NamedTuple):
    """A patient: of one source by a name, or of all of them by a pseudonym."""

    source: int
    name: str


class Whose(NamedTuple):
    """Whose a film is; `spread_by` alone decides the patient's part, on any machine alike."""

    patient: Patient
    spread_by: str
    told: bool  # By the pattern or DICOM; else the radiograph counts as a patient of its own.


def source_stem(name: str) -> str:
    """Return the radiograph that a film was made from: `STEM_jpg.rf.HASH.jpg` -> `STEM`."""
    stem = stem_of(name).encode("utf-8", "backslashreplace").decode()  # Names may be no text.
    match = _ROBOFLOW_COPY.match(stem)
    return match["stem"] if match else stem


def radiograph_of(film: Path, source: Path) -> str:
    """Return the radiograph that a film was made from, by its place within its source.

    The folders of a layout (`images`, `train`) do not count, others do: two films of one name in
    two folders are two radiographs, whatever is added to either.
    """
    inner = film.parent.relative_to(source).parts if film.is_relative_to(source) else ()
    told = [f for f in inner if f.casefold() not in IMAGE_FOLDERS and part_named(f) is None]
    return "/".join([*told, source_stem(film.name)])


def whose(
    radiograph: str,
    source: int,
    identifiers: tuple[str | None, str | None],
    config: DataConfig,
    salt: bytes,
) -> Whose:
    """Return whose a film is.

    `radiograph` is its name within its source (`radiograph_of`), `identifiers` are its DICOM
    PatientID and StudyInstanceUID.
    """
    folder, inner, _ = radiograph.partition("/")
    if config.patients_from == "folders" and inner:
        return Whose(Patient(source, folder), folder, told=True)
    if config.patients_from.startswith("dicom"):
        identifier = identifiers[0 if config.patients_from == "dicom-patient" else 1]
        if identifier is not None:
            pseudonym = "p-" + hmac.new(salt, identifier.encode(), "sha256").hexdigest()[:16]
            return Whose(Patient(EVERYWHERE, pseudonym), identifier, told=True)
    stem = radiograph.rpartition("/")[2]
    match = re.search(config.patient_pattern, stem) if config.patient_pattern else None
    name = match[1] if match else None
    return Whose(Patient(source, name or radiograph), name or radiograph, told=bool(name))


def kept_salt(cache: Path) -> bytes:
    """Return the salt of this store's pseudonyms, made at the first need and readable to its owner.

    Without it nobody can try identifiers until one fits a pseudonym. Raises DataError for one that
    is damaged.
    """
    path = cache / _SALT_FILE
    if not path.exists():
        made = cache / f".{_SALT_FILE}.{os.getpid()}.part"
        try:
            descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(_SALT_BYTES))
            with contextlib.suppress(FileExistsError):  # Another process was first.
                os.link(made, path)
        finally:
            made.unlink(missing_ok=True)
    salt = path.read_bytes()
    if len(salt) != 2 * _SALT_BYTES:
        raise DataError(
            f"{path}: is no salt of {_SALT_BYTES} bytes; put it back from a copy, or remove it: "
            "patients then get other pseudonyms"
        )
    return salt


def patient_account(
    films: Sequence[Path], found: Sequence[Whose], config: DataConfig
) -> PatientAccount:
    """Return how the films' patients were told. Raises DataError where none was, as was asked."""
    each = [
        (_within_folder(film, who) if config.patients_from == "folders" else film.name, who)
        for film, who in zip(films, found, strict=True)
    ]
    told = [(name, who.patient.name) for name, who in each if who.told]
    alone = [name for name, who in each if not who.told]
    asked = config.patient_pattern or config.patients_from != "names"
    if asked and alone and not told:
        raise DataError(_fits_nothing(config, alone))
    by = "file names" if config.patient_pattern is None else "data.patient_pattern"
    if config.patients_from != "names":
        by = _TOLD_BY[config.patients_from] + (f", else {by}" if config.patient_pattern else "")
    return PatientAccount(
        told_by=by,
        pattern=config.patient_pattern,
        films_told=len(told),
        films_alone=len(alone),
        patients=len({who.patient for who in found}),
        examples_told={shown(name): shown(patient) for name, patient in told[:_EXAMPLES]},
        examples_alone=tuple(shown(name) for name in alone[:_EXAMPLES]),
    )


def _within_folder(film: Path, who: Whose) -> str:
    """Return a film's place from the folder on that told its patient; else its name."""
    folders = film.parts[:-1]
    if not who.told or who.patient.name not in folders:
        return film.name
    at = len(folders) - 1 - folders[::-1].index(who.patient.name)
    return "/".join(film.parts[at:])


def _fits_nothing(config: DataConfig, films: Sequence[str]) -> str:
    first = f"{len(films)} films, as {shown(films[0])}"
    if config.patients_from == "names":
        return (
            f"data.patient_pattern: {config.patient_pattern!r} fits no name of the {first}; its "
            "first group must be the patient, or set it to null: each film is a patient of its own"
        )
    lacks = (
        "lies in a folder of its patient"
        if config.patients_from == "folders"
        else f"has a {_TOLD_BY[config.patients_from]}"
    )
    return f"data.patients_from: none of the {first}, {lacks}; set data.patients_from: names"
