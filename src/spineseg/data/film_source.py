"""What a reader of any layout yields: films with where their labels lie, not read yet."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spineseg.decoding.dicom import SUFFIXES as DICOM_SUFFIXES
from spineseg.errors import DataError
from spineseg.files import shown
from spineseg.films import Part

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", *DICOM_SUFFIXES}
PART_OF_NAME: dict[str, Part] = {
    "train": "train",
    "valid": "valid",
    "val": "valid",
    "test": "test",
}


@dataclass(frozen=True)
class SourceFilm:
    """One film of a source; `part` is that of the source's own split, if it has one."""

    path: Path
    part: Part | None
    labels: Path | tuple[dict[str, Any], ...]  # A YOLO label file, or a COCO file's annotations.
    names: Mapping[int, str]  # Class index or category id -> name.
    size: tuple[int, int] | None = None  # Width and height in px that the labels were made for.


@dataclass(frozen=True)
class LeftOut:
    """A file in a source's folder of which nothing is made."""

    path: Path
    reason: str  # One wording for all its like, as "label file without a film".
    is_loss: bool  # Somebody's work is lost with it: refused, unless data.damaged is `drop`.


@dataclass(frozen=True)
class FilmSource:
    """All films of one folder, and every file that says something about them."""

    folder: Path
    films: tuple[SourceFilm, ...]
    files: tuple[Path, ...]  # data.yaml or COCO files.
    orphans: tuple[Path, ...] = ()  # Label files without a film.
    layout: str = ""  # How it is laid out, in words.
    left_out: tuple[LeftOut, ...] = ()  # Other files, but for those that are plainly no data.
    label_files_seen: int = 0


def films_in(folder: Path) -> Iterator[Path]:
    """Yield the films of a folder, sorted: its image files that are not hidden.

    Raises DataError for a film that is no regular file: nothing may hang on a pipe.
    """
    with os.scandir(folder) as entries:
        found = sorted(
            (entry for entry in entries if Path(entry.name).suffix.lower() in IMAGE_SUFFIXES),
            key=lambda entry: entry.name,
        )
    for entry in found:
        if entry.name.startswith("."):
            continue
        if not Path(entry.path).is_file():
            raise DataError(
                f"{shown(entry.path)}: is no file, or a link that leads nowhere; "
                "put a film there or remove it"
            )
        yield Path(entry.path)


def has_labels(film: SourceFilm) -> bool:
    """Return whether a film has a label file, or an entry of its own among the labels."""
    return film.labels.is_file() if isinstance(film.labels, Path) else bool(film.labels)
