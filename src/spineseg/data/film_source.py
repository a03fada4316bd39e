"""What a reader of any layout yields: films with where their labels lie, not read yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from spineseg.errors import DataError
from spineseg.files import shown
from spineseg.films import DICOM_SUFFIXES, Part

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"} | DICOM_SUFFIXES
_LONGEST_SHOWN = 1000

LabelStyle = Literal["yolo", "coco", "labelme", "label studio"]


@dataclass(frozen=True)
class SourceFilm:
    """One film of a source; `part` is that of the source's own split, if it has one."""

    path: Path
    part: Part | None
    labels: Path | tuple[dict[str, Any], ...] | None  # A file, or entries of one; None: neither.
    names: Mapping[int, str]  # Class index or category id -> name.
    size: tuple[int, int] | None = None  # Width and height in px that the labels were made for.
    style: LabelStyle = "yolo"
    told_in: Path | None = None  # The file whose entries `labels` are.

    @property
    def has_labels(self) -> bool:
        """Whether somebody said what is on it, be it nothing: it has a label file or an entry."""
        return self.labels is not None


@dataclass(frozen=True)
class LeftOut:
    """A file in a source's folder of which nothing is made."""

    path: Path
    reason: str  # One wording for all its like, as "label file without a film".
    is_loss: bool  # Somebody's work is lost with it: refused, unless data.damaged is `drop`.


@dataclass
class Listing:
    """What lies beneath a folder, as paths in it with `/`; links to folders are not followed.

    Hidden files, an operating system's litter, caches, readmes, licences, tables and documents are
    plainly no data: `litter`, and in no other list.
    """

    folder: Path
    films: list[str] = field(default_factory=list)  # By suffix, or DICOM by its mark.
    files: list[str] = field(default_factory=list)  # All others.
    odd: set[str] = field(default_factory=set)  # Of both: pipes, and links that lead nowhere.
    folders: set[str] = field(default_factory=set)
    linked: set[str] = field(default_factory=set)  # Films that links among `films` lead to.
    left_out: list[LeftOut] = field(default_factory=list)
    litter: list[str] = field(default_factory=list)

    def path(self, name: str) -> Path:
        """Return where a listed file lies."""
        return self.folder / name


@dataclass(frozen=True)
class FilmSource:
    """All films of one folder, and every file that says something about them."""

    folder: Path
    films: tuple[SourceFilm, ...]
    files: tuple[Path, ...]  # data.yaml or COCO files.
    orphans: tuple[Path, ...] = ()  # Label files without a film.
    layout: str = ""  # How it is laid out, in words.
    left_out: tuple[LeftOut, ...] = ()  # Other files, but for those that are plainly no data.
    label_files_seen: int = 0  # Or films with an entry, where one file labels many.


def suffix_of(name: str) -> str:
    """Return the suffix of a file's name or path with `/`, in small letters, with its dot."""
    stem, _, end = name.rpartition("/")[2].rpartition(".")
    return f".{end.lower()}" if stem and end else ""


def stem_of(name: str) -> str:
    """Return a film's name without its folders and suffix; the end of a DICOM's UID is none."""
    base, suffix = name.rpartition("/")[2], suffix_of(name)
    return base if not suffix or suffix[1:].isdigit() else base[: -len(suffix)]


def refuse_other_size(film: SourceFilm, size: tuple[int, int]) -> None:
    """Raise DataError where a film, as it is seen, is not of the size that its labels are for."""
    if film.size is not None and film.size != size:
        raise DataError(
            f"{shown(film.path)}: is {size[0]}x{size[1]} px as it is seen, its labels are for "
            f"{film.size[0]}x{film.size[1]}; export both again"
        )


def refuse_unlabelled(
    folder: Path, films: tuple[SourceFilm, ...], looked_for: str, remedy: str
) -> None:
    """Raise DataError where more than half of all films, or of a part's, have no labels at all.

    `looked_for` says what would have been a label, `remedy` how a film without a vertebra is told.
    """
    parts = dict.fromkeys(film.part for film in films)
    for part in (None, *parts):
        among = [film for film in films if part in (None, film.part)]
        bare = [film for film in among if not film.has_labels]
        if 2 * len(bare) > len(among):
            raise DataError(
                f"{shown(folder)}: {len(bare)} of {len(among)} films have no labels"
                + (f" in the part {part}" if part else "")
                + f", as {shown(bare[0].path)}: {looked_for}; {remedy}"
            )
