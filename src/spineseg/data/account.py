"""The account of the input: every file that was seen, used or left out, and what a pattern hit."""

from __future__ import annotations

from pydantic import Field

from spineseg.config.model import Model


class LeftOutFiles(Model):
    """Files of one source of which nothing was made, for one reason."""

    reason: str
    files: int
    examples: tuple[str, ...] = Field(description="The first few, as paths within the source.")


class SourceAccount(Model):
    """What lies in one source, and what became of it."""

    name: str
    layout: str = Field(description="How it is laid out, as 'YOLO, a folder a part'.")
    films_seen: int
    films_used: int
    films_without_labels: int = Field(description="Used films that have no label file or entry.")
    label_files_seen: int = Field(description="Or films with an entry, where one file has all.")
    label_files_used: int
    converted: dict[str, int] = Field(description="What was done to films -> how many.")
    left_out: tuple[LeftOutFiles, ...]
    class_map_unused: tuple[str, ...] = Field(description="Entries that no label has.")
    drop_classes: dict[str, int] = Field(description="Class left out by the config -> labels.")


class PatientAccount(Model):
    """How the films' patients were told."""

    told_by: str = Field(description="'file names', 'a pattern', 'DICOM PatientID', ...")
    pattern: str | None
    films_told: int = Field(description="Films whose patient was found so.")
    films_alone: int = Field(description="Films that count as a patient of their own.")
    patients: int
    examples_told: dict[str, str] = Field(description="Film -> patient, the first few.")
    examples_alone: tuple[str, ...]


class Account(Model):
    """What went into a merged dataset, counted."""

    sources: tuple[SourceAccount, ...]
    patients: PatientAccount
