"""The parts that data.yaml, obj.data or lists beside them name: folders, and lists of films."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from spineseg.data.film_source import LeftOut, Listing, suffix_of
from spineseg.data.layouts.folder_names import IMAGE_FOLDERS, PART_OF_NAME, holds_labels
from spineseg.errors import DataError
from spineseg.files import shown
from spineseg.films import Part

_USUAL = re.compile(r"(\.{1,2}/)*(train|valid|val|test)/images/?$")  # As Roboflow writes them all.
_MOST_LIST_BYTES = 100_000_000


@dataclass(frozen=True)
class FarFolder:
    """A folder of films that data.yaml names outside of its own."""

    place: Path
    root: Path  # Of the export that it is of: data.yaml's `path`, or where `images` lies.
    part: Part


@dataclass
class NamedParts:
    """Films of each part that is named, within the listing or in folders elsewhere."""

    films: dict[str, Part] = field(default_factory=dict)
    elsewhere: list[FarFolder] = field(default_factory=list)
    named: set[Part] = field(default_factory=set)  # Found where their key says.
    not_there: set[Part] = field(default_factory=set)  # Usual keys of what was not exported.
    lists: set[str] = field(default_factory=set)  # Text files that list films, so no labels.
    left_out: list[LeftOut] = field(default_factory=list)


def named_parts(
    listing: Listing,
    known: Mapping[Part, int],
    yaml_files: Mapping[str, Mapping[str, Any]],
) -> NamedParts:
    """Return what the YAML files given, by their content, obj.data and lists beside them name.

    `known` counts the films that known folders hold for a part: it stands in for paths of another
    machine. Raises DataError for a path that leads nowhere, and a film in two parts.
    """
    found = NamedParts()
    for file, key, base, entry in _entries(listing, yaml_files):
        part = PART_OF_NAME[key]
        places = [_place(listing, base, text) for text in entry]
        if all(place is None for place in places):
            if known.get(part):
                continue
            if all(_USUAL.match(text) for text in entry):
                found.not_there.add(part)
                if part == "train":  # It is hardly ever not exported.
                    why = "training part that data.yaml names and that is not there"
                    found.left_out.append(LeftOut(listing.path("train/images"), why, is_loss=True))
                continue
        for text, place in zip(entry, places, strict=True):
            if place is None:
                raise DataError(
                    f"{shown(listing.path(file))}: its {key}: {shown(text)} is not there; put the "
                    "films there, mend the path, or remove it"
                )
            if isinstance(place, Path):
                found.elsewhere.append(FarFolder(place, _root(listing, base, place), part))
            else:
                _take(found, listing, place, part, f"{file} ({key})")
        found.named.add(part)
    return found


def _entries(
    listing: Listing, yaml_files: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Yield each file, key, base and its paths; lists named as a part come where nothing else."""
    keyed = False
    settings = {
        name: dict(_settings(listing.path(name)))
        for name in listing.files
        if name.lower().endswith(".data")
    }
    for file, content in {**yaml_files, **settings}.items():
        base = content.get("path") or ""
        for key in PART_OF_NAME:
            value = content.get(key)
            if value:
                keyed = True
                yield file, key, str(base), _texts(listing.path(file), key, value)
    for name in listing.files if not keyed else ():
        stem, dot, suffix = name.rpartition(".")
        if dot and suffix.lower() == "txt" and stem.lower() in PART_OF_NAME:
            yield name, stem.lower(), "", (name,)


def _settings(path: Path) -> Iterator[tuple[str, str]]:
    for line in _text(path).splitlines():
        key, _, value = line.partition("=")
        yield key.strip().lower(), value.strip()


def _text(path: Path) -> str:
    """Return the text of a list or of obj.data; raises DataError where that cannot be read."""
    try:
        if not path.is_file() or path.stat().st_size > _MOST_LIST_BYTES:
            raise DataError(f"{shown(path)}: is no file, or too large; put the list of films there")
        return path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        reason = (error.strerror or "no reason given").lower()
        raise DataError(f"{shown(path)}: cannot be read ({reason}); mend its folder") from None


def _texts(path: Path, key: str, value: Any) -> tuple[str, ...]:
    texts = (value,) if isinstance(value, str) else tuple(value if isinstance(value, list) else ())
    if not texts or not all(isinstance(text, str) and "\0" not in text for text in texts):
        raise DataError(f"{shown(path)}: `{key}` must be a path or a list of paths; mend it")
    return texts


def _place(listing: Listing, base: str, entry: str) -> str | Path | None:
    """Return what an entry means: a path within the listing, a folder elsewhere, or None.

    Roboflow's `../train/images` means `train/images`, and a path of another machine whatever of
    its end is here; a folder elsewhere is taken only where it is plainly meant.
    """
    entry, base = entry.replace("\\", "/"), base.replace("\\", "/")
    folder = str(listing.folder)
    climbing = re.sub(r"^(\.{1,2}/)+", "", entry)
    whole = os.path.normpath(os.path.join(folder, base, entry))  # noqa: PTH118
    for candidate in (whole, os.path.join(folder, entry), os.path.join(folder, climbing)):  # noqa: PTH118
        inner = _within(listing, os.path.normpath(candidate))
        if inner is not None:
            return inner
    if _USUAL.match(entry) and not base:
        return None
    if os.path.isdir(whole):  # noqa: PTH112  A name that is too long is no folder.
        return Path(whole).resolve()
    tail = PurePosixPath(climbing).parts
    for start in range(1, len(tail)):
        inner = "/".join(tail[start:])
        if _is_listed(listing, inner) and inner.casefold() not in IMAGE_FOLDERS:
            return inner
    return None


def _within(listing: Listing, path: str) -> str | None:
    folder = str(listing.folder).rstrip("/")
    inner = path.removeprefix(f"{folder}/") if path.startswith(f"{folder}/") else None
    if path == str(listing.folder):
        return ""
    return inner if inner is not None and _is_listed(listing, inner) else None


def _is_listed(listing: Listing, inner: str) -> bool:
    return inner in listing.folders or inner in listing.files


def _root(listing: Listing, base: str, place: Path) -> Path:
    root = (listing.folder / base.replace("\\", "/")).resolve()
    if base and root in (place, *place.parents):
        return root
    folders = (place, *place.parents)
    images = next((f for f in folders if f.name.casefold() in IMAGE_FOLDERS), None)
    return images.parent if images else place


def _take(found: NamedParts, listing: Listing, place: str, part: Part, where: str) -> None:
    if place in listing.files:
        found.lists.add(place)
        names = list(_listed_films(found, listing, place))
        first = next(iter(_lines(listing.path(place))), None)
        if first is not None and not names and suffix_of(place) == ".txt":
            raise DataError(
                f"{shown(listing.path(place))}: names no film that is here, as {shown(first)}; "
                "write each film's path as it is spelt, one a line"
            )
    else:
        names = films_below(listing, place)
    if not names:
        raise DataError(
            f"{shown(listing.folder)}: {shown(where)} names {shown(place) or '.'}, which is empty, "
            "or holds no film; put films there, or remove it"
        )
    for name in names:
        before = found.films.setdefault(name, part)
        if before != part:
            raise DataError(
                f"{shown(listing.path(name))}: is in two parts, {before} and {part}, by "
                f"{shown(where)}; leave it in one"
            )


def films_below(listing: Listing, place: str) -> list[str]:
    """Return the films beneath a folder of a listing, which is all of it where `place` is `.`."""
    start = "" if place in {"", "."} else f"{place}/"
    return [f for f in listing.films if f.startswith(start) and not holds_labels(f[len(start) :])]


def _listed_films(found: NamedParts, listing: Listing, place: str) -> Iterator[str]:
    """Yield the films that a list names, by their paths or the ends of them."""
    films = set(listing.films)
    for line in _lines(listing.path(place)):
        name = _film_at(films, line.replace("\\", "/"), place)
        if name is None:
            found.left_out.append(
                LeftOut(listing.path(line), "film that a list names and that is not there", True)
            )
        else:
            yield name


def _lines(path: Path) -> list[str]:
    lines = (line.strip() for line in _text(path).splitlines())
    return list(dict.fromkeys(line for line in lines if line))


def _film_at(films: set[str], line: str, place: str) -> str | None:
    beside = os.path.normpath(f"{place.rpartition('/')[0] or '.'}/{line}")
    if beside in films:
        return beside
    parts = [part for part in line.split("/") if part not in {"", ".", ".."}]
    ends = ("/".join(parts[start:]) for start in range(len(parts)))
    return next((end for end in ends if end in films), None)
