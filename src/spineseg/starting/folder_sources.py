"""Which sources a folder holds: one export, or several side by side, each in its own layout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from spineseg.config.data import LocalSource
from spineseg.data.film_source import IMAGE_SUFFIXES, suffix_of
from spineseg.data.layouts import read_folder
from spineseg.data.layouts.folder_names import IMAGE_FOLDERS, LABEL_FOLDERS, part_named
from spineseg.data.layouts.listing import listed
from spineseg.data.manifest import ManifestSource
from spineseg.data.opened import OpenedSource
from spineseg.errors import DataError, UnlabelledError
from spineseg.files import shown

_DEEPEST = 3  # Folders in folders: further down lies no export beside another.


def folder_sources(place: Path) -> tuple[list[OpenedSource], dict[Path, str]]:
    """Return what can be read of a folder, and what cannot, with the reason of each.

    A folder that is no export as a whole is looked through for exports side by side. Raises
    UnlabelledError for films alone, DataError where nothing can be read, with what to do.
    """
    if not place.exists():
        raise DataError(f"{shown(place)}: no such folder; name the one that holds your films")
    if not place.is_dir():
        raise DataError(f"{shown(place)}: is a file; name the folder that holds your films")
    whole: OpenedSource | DataError
    try:
        whole = _opened(place)
    except DataError as error:
        whole = error
    if isinstance(whole, OpenedSource) and not _leaves_films(whole):
        return [whole], {}
    sources, unread = _beneath(place, _DEEPEST)
    if isinstance(whole, DataError) and not sources:
        raise _most_telling(whole, unread)
    if isinstance(whole, OpenedSource) and _films(sources) <= _films([whole]):
        return [whole], {}
    loose = [path for path in _listed_at(place) if suffix_of(path.name)]
    if loose:
        unread[place] = f"{len(loose)} files beside the exports, as {shown(loose[0].name)}"
    return sources, unread


def formats_of(place: Path) -> dict[str, int]:
    """Return how many films there are of each suffix, most first."""
    suffixes = Counter(suffix_of(name) or "no suffix" for name in listed(place.resolve()).films)
    return dict(suffixes.most_common())


def _leaves_films(source: OpenedSource) -> bool:
    """Return whether an export leaves pictures or label files out: there may be another beside."""
    kinds = IMAGE_SUFFIXES | {".json"}
    return any(suffix_of(file.path.name) in kinds for file in source.films.left_out)


def _films(sources: Sequence[OpenedSource]) -> int:
    return sum(len(source.films.films) for source in sources)


def _opened(place: Path) -> OpenedSource:
    record = ManifestSource(name=shown(place.resolve().name), kind="local")
    return OpenedSource(LocalSource(kind="local", path=place), record, read_folder(place))


def _beneath(place: Path, deep: int) -> tuple[list[OpenedSource], dict[Path, str]]:
    """Return the exports in the folders of a folder; none where these are parts of one export."""
    sources: list[OpenedSource] = []
    unread: dict[Path, str] = {}
    inner = list(_folders(place))
    if any(_is_of_a_layout(folder.name) for folder in inner):
        return sources, unread
    for folder in inner:
        try:
            sources.append(_opened(folder))
        except DataError as error:
            more, others = _beneath(folder, deep - 1) if deep else ([], {})
            sources += more
            unread |= others if more else {folder: str(error).removeprefix(f"{shown(folder)}: ")}
    return sources, unread


def _folders(place: Path) -> Iterator[Path]:
    try:
        inner = sorted(place.iterdir())
    except OSError:  # It is told as one that cannot be read.
        return
    for path in inner:
        if path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
            yield path


def _is_of_a_layout(name: str) -> bool:
    return name.casefold() in IMAGE_FOLDERS | LABEL_FOLDERS or part_named(name) is not None


def _listed_at(place: Path) -> list[Path]:
    return sorted(p for p in place.iterdir() if p.is_file() and not p.name.startswith("."))


def _most_telling(whole: DataError, unread: dict[Path, str]) -> DataError:
    """Return what is wrong with the only folder in a folder, else with the folder itself."""
    if isinstance(whole, UnlabelledError) or len(unread) != 1:
        return whole
    folder, reason = next(iter(unread.items()))
    return DataError(f"{shown(folder)}: {reason}")
