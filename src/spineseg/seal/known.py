"""Films of a merged dataset as a ledger knows them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from spineseg.data.manifest import Dataset, Manifest, ManifestEntry
from spineseg.files import write_whole
from spineseg.films import PARTS
from spineseg.seal.looks import looks_of
from spineseg.seal.opening import PART, OpenedFilm

LOOKS_FILE = "looks.json"
FILMS = "films"
"""Of a version's evidence: its films by part, each by content and look."""


def films_told(data: Dataset) -> dict[str, list[list[str]]]:
    """Return a dataset's films by part, each as its content's hash and its look."""
    told: dict[str, list[list[str]]] = {}
    for part in PARTS:
        entries = [e for e in data.manifest.entries if e.part == part and not e.augmented]
        films = opened_films(data.manifest, data.folder, entries)
        told[part] = [[film.content, film.look] for film in films]
    return told


def tested_films(manifest: Manifest, folder: Path | None) -> tuple[OpenedFilm, ...]:
    """Return the films of a merged dataset's test part; without looks where no folder has them."""
    tested = [entry for entry in manifest.entries if entry.part == PART]
    if folder is not None:
        return opened_films(manifest, folder, tested)
    return tuple(OpenedFilm(content=entry.content_sha256, look="") for entry in tested)


def opened_films(
    manifest: Manifest, folder: Path, entries: Sequence[ManifestEntry]
) -> tuple[OpenedFilm, ...]:
    """Return films of a merged dataset as a ledger knows them, read from its folder.

    Their looks are kept there, by content: thousands take a while.
    """
    file = folder / LOOKS_FILE
    known = _kept(file)
    missing = [entry for entry in entries if entry.content_sha256 not in known]
    if missing:
        films = [folder / entry.part / "images" / entry.name for entry in missing]
        found = zip(missing, looks_of(films), strict=True)
        known |= {entry.content_sha256: look for entry, look in found}
        with suppress(OSError):  # A dataset on a medium that takes nothing.
            write_whole(file, json.dumps(known))
    return tuple(
        OpenedFilm(
            content=entry.content_sha256,
            look=known[entry.content_sha256],
            patient=patient_hash(manifest, entry),
        )
        for entry in entries
    )


def _kept(file: Path) -> dict[str, str]:
    try:
        told = json.loads(file.read_text())
        return told if isinstance(told, dict) else {}
    except (OSError, ValueError):
        return {}


def patient_hash(manifest: Manifest, entry: ManifestEntry) -> str:
    """Return what stands for a film's patient in every dataset of its source."""
    source = manifest.sources[entry.source]
    return sha256(f"{source.kind}/{source.name}/{entry.patient}".encode()).hexdigest()
