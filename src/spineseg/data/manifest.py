"""The record of a merged dataset: every film's hash, source, part and patient; one fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from spineseg.config.model import Model
from spineseg.errors import DataError
from spineseg.films import PARTS, Part, Spacing
from spineseg.levels import CLASS_NAMES

MANIFEST_FILE = "manifest.json"
AUDIT_FILE = "audit.json"
DATA_FILE = "data.yaml"


class ManifestSource(Model):
    """Where films came from."""

    name: str = Field(description="A folder's name, or workspace/project on Roboflow.")
    kind: str
    version: str | None = None


class ManifestEntry(Model):
    """One film of the merged dataset."""

    name: str = Field(description="File name in the merged dataset.")
    part: Part
    source: int = Field(description="Its place among the sources.")
    patient: str
    group: str = Field(
        description="What it stays together with: SOURCE:PATIENT of the first; -1 is every source."
    )
    film_sha256: str
    labels_sha256: str
    film_bytes: int
    labels_bytes: int
    levels: tuple[str, ...]
    content_sha256: str = Field(
        description="Of the film's file, or, if it was converted, over its pixels."
    )
    conversion: str | None = Field(
        None, description="What was done to a film that the trainer could not have read as it was."
    )
    spacing: Spacing | None = None
    aspect: float | None = Field(
        None, description="True width over height; null for a square film of unknown shape."
    )
    augmented: bool = False


class Manifest(Model):
    """Everything that makes two datasets the same, or not."""

    fingerprint: str = Field(description="SHA-256 over all entries; the same on any machine.")
    synthetic: bool
    augmentation: str = Field("none", description="How augmented copies were made.")
    sources: tuple[ManifestSource, ...]
    entries: tuple[ManifestEntry, ...]

    def count(self, part: str) -> int:
        """Return how many films one part has."""
        return sum(entry.part == part for entry in self.entries)

    def instances(self, part: str) -> Counter[str]:
        """Return the labelled vertebrae of one part by level."""
        return Counter(
            level for entry in self.entries if entry.part == part for level in entry.levels
        )

    @property
    def source_names(self) -> tuple[str, ...]:
        """What the sources are called, each with its version."""
        return tuple(
            source.name + (f" v{source.version}" if source.version else "")
            for source in self.sources
        )


@dataclass(frozen=True)
class Dataset:
    """A merged dataset on disk, ready to train on."""

    folder: Path
    manifest: Manifest

    @property
    def fingerprint(self) -> str:
        """What identifies the data."""
        return self.manifest.fingerprint


def fingerprint_of(entries: tuple[ManifestEntry, ...], augmentation: str) -> str:
    """Return the fingerprint: over the films' names, parts, groups and contents.

    Converted films count by their pixels and augmented copies by their recipe: another build of
    zlib or libjpeg writes other bytes. Groups count by their first film, not by the pseudonym that
    a salt gives them.
    """
    first: dict[str, str] = {}
    for entry in entries:
        first.setdefault(entry.group, entry.name)
    rows = [
        [e.name, e.part, first[e.group], e.content_sha256, e.labels_sha256]
        for e in entries
        if not e.augmented
    ]
    return hashlib.sha256(json.dumps([augmentation, rows]).encode()).hexdigest()


def data_yaml(manifest: Manifest) -> str:
    """Return what Ultralytics reads of a dataset: its key for the validation part is `val`."""
    parts = {
        "val" if part == "valid" else part: f"{part}/images"
        for part in PARTS
        if manifest.count(part)
    }
    names = {"nc": len(CLASS_NAMES), "names": list(CLASS_NAMES)}
    return yaml.safe_dump(parts | names, sort_keys=False)


def load_manifest(folder: Path) -> Manifest:
    """Return the manifest of a merged dataset.

    Raises DataError for one that is damaged or was written by another version of this software.
    """
    file = folder / MANIFEST_FILE
    try:
        return Manifest.model_validate_json(file.read_bytes())
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = ".".join(map(str, problem["loc"])) or "JSON"
        raise DataError(
            f"{file}: {key}: {problem['msg'].lower()}; it is damaged, or of another version of "
            "this software: make the data again with `spineseg data`"
        ) from None
