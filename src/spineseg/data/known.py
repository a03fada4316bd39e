"""Finds a merged dataset that was made before, of just these files, and is whole."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from spineseg.config.data import DataConfig
from spineseg.data.manifest import Dataset, load_manifest
from spineseg.data.opened import OpenedSource
from spineseg.errors import DataError
from spineseg.films import PARTS

_FORMAT = 6  # Raise it with any change of what a merged dataset holds.


def note_of(config: DataConfig, sources: Sequence[OpenedSource], cache: Path) -> Path:
    """Return where it is noted which dataset was made of `sources` by `config`.

    Its name is a digest of the config and of every file's name, size and time.
    """
    digest = hashlib.sha256(f"{_FORMAT}".encode())
    digest.update(str(Path.cwd()).encode())  # Paths may be relative.
    digest.update(config.model_dump_json(exclude={"accept_leaks"}).encode())
    for source in sources:
        files = [*source.films.files, *source.films.orphans]
        files += [film.path for film in source.films.films]
        files += [film.labels for film in source.films.films if isinstance(film.labels, Path)]
        for file in files:
            try:
                status = file.stat()
                row = [str(file), status.st_size, status.st_mtime_ns]
            except OSError:  # Absent, or a link in a circle; its reader says so.
                row = [str(file), -1]
            digest.update(json.dumps(row).encode())
    return cache / "prepared" / f"{digest.hexdigest()[:32]}.txt"


def noted(note: Path, cache: Path) -> Dataset | None:
    """Return the dataset that `note` names, if there is one and it is whole."""
    if not note.is_file():
        return None
    return whole(cache / note.read_text().strip())


def whole(folder: Path) -> Dataset | None:
    """Return the dataset in `folder` if every file is there in its size."""
    try:
        manifest = load_manifest(folder)
        wanted, there = {}, {}
        for entry in manifest.entries:
            wanted[entry.part, "images", entry.name] = entry.film_bytes
            label = Path(entry.name).with_suffix(".txt").name
            wanted[entry.part, "labels", label] = entry.labels_bytes
        for part in PARTS:
            for kind in ("images", "labels"):
                if manifest.count(part):
                    with os.scandir(folder / part / kind) as files:
                        there.update({(part, kind, f.name): f.stat().st_size for f in files})
    except (OSError, DataError):
        return None
    there = {key: size for key, size in there.items() if not key[2].endswith(".cache")}
    return Dataset(folder, manifest) if there == wanted else None
