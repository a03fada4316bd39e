"""Lists a folder once: every film, every other file, and what is no plain file at all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from spineseg.data.film_source import IMAGE_SUFFIXES, LeftOut, Listing, suffix_of
from spineseg.errors import DataError
from spineseg.files import shown

MOST_ENTRIES = 500_000  # A folder of more is a disk, not an export.
_LITTER = re.compile(
    r"~\$|(thumbs\.db|desktop\.ini|dicomdir|__macosx)$|(readme|licen[cs]e|changelog)(\.\w+)*$"
    r"|.*\.(cache|csv|tsv|md|log|html?|pdf|py|ipynb|lock|tmp|bak|docx?|xlsx?|npy)$",
    re.IGNORECASE,
)


def listed(folder: Path) -> Listing:
    """Return what lies beneath `folder`, sorted. Raises DataError where that is a whole disk."""
    found = Listing(folder)
    left, seen = [""], 0
    while left:
        at = left.pop()
        for entry in _entries(found, at):
            seen += 1
            if seen > MOST_ENTRIES:
                raise DataError(
                    f"{shown(folder)}: holds more than {MOST_ENTRIES:,} files; name the folder of "
                    "the export itself"
                )
            name = f"{at}/{entry.name}" if at else entry.name
            if _is_litter(entry.name):
                found.litter.append(name)
            else:
                _take(found, entry, name, left)
    for names in (found.films, found.files, found.litter):
        names.sort()
    return found


def without(found: Listing, folder: Path) -> Listing:
    """Return a listing less what lies in one folder beneath it."""
    if not folder.is_relative_to(found.folder):
        return found
    inner = folder.relative_to(found.folder).as_posix()

    def is_other(name: str) -> bool:
        return name != inner and not name.startswith(f"{inner}/")

    return Listing(
        found.folder,
        [name for name in found.films if is_other(name)],
        [name for name in found.files if is_other(name)],
        found.odd,
        {name for name in found.folders if is_other(name)},
        found.linked,
        [left for left in found.left_out if not left.path.is_relative_to(folder)],
    )


def _is_litter(name: str) -> bool:
    suffix = suffix_of(name)
    return name.startswith(".") or (suffix not in IMAGE_SUFFIXES and bool(_LITTER.match(name)))


def _entries(found: Listing, at: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(found.folder / at) as entries:
            yield from entries
    except OSError as error:
        reason = (error.strerror or "no reason given").lower()
        found.left_out.append(
            LeftOut(found.folder / at, f"folder that cannot be read ({reason})", is_loss=True)
        )


def _take(found: Listing, entry: os.DirEntry[str], name: str, left: list[str]) -> None:
    suffix = suffix_of(name)
    if entry.is_dir(follow_symlinks=False) and suffix not in IMAGE_SUFFIXES | {".txt"}:
        found.folders.add(name)
        left.append(name)
        return
    try:
        is_folder, is_file = entry.is_dir(), entry.is_file()
    except OSError:  # A link in a circle.
        is_folder = is_file = False
    if is_folder and entry.is_symlink():
        found.left_out.append(_link(found.folder, name))
        return
    if not is_file:
        found.odd.add(name)
    is_film = suffix in IMAGE_SUFFIXES or (is_file and is_dicom(found.path(name), suffix))
    (found.films if is_film else found.files).append(name)
    if is_film and is_file and entry.is_symlink():
        target = found.path(name).resolve()
        if target.is_relative_to(found.folder):
            found.linked.add(target.relative_to(found.folder).as_posix())


def _link(folder: Path, name: str) -> LeftOut:
    target = (folder / name).resolve()
    within = folder == target or folder in target.parents
    back = within or target in folder.parents
    reason = "link to a folder that is here anyway" if back else "link to a folder elsewhere"
    return LeftOut(folder / name, reason, is_loss=not back)


def is_dicom(path: Path, suffix: str) -> bool:
    """Return whether a file without a suffix (or with a number, of its UID) is a DICOM file."""
    if suffix and not suffix[1:].isdigit():
        return False
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def plain(films: Iterable[str], listing: Listing) -> list[str]:
    """Return the films given. Raises DataError for one that is no file: nothing hangs on a pipe."""
    chosen = list(films)
    for name in chosen:
        if name in listing.odd:
            raise DataError(
                f"{shown(listing.path(name))}: is no file, or a link that leads nowhere; "
                "put a film there or remove it"
            )
    return chosen
