"""YOLO segmentation folders: Roboflow's, Ultralytics', CVAT's, Label Studio's and Darknet's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spineseg.data.film_source import (
    FilmSource,
    Listing,
    SourceFilm,
    refuse_unlabelled,
    shown,
    stem_of,
)
from spineseg.data.layouts.class_names import read_names, read_yaml
from spineseg.data.layouts.folder_names import (
    IMAGE_FOLDERS,
    folded,
    holds_labels,
)
from spineseg.data.layouts.known_parts import known_films, refuse_empty_folders
from spineseg.data.layouts.label_files import LabelFiles
from spineseg.data.layouts.leftovers import leftovers, orphans_of
from spineseg.data.layouts.listing import listed, plain
from spineseg.data.layouts.named_parts import NamedParts, named_parts
from spineseg.errors import DataError
from spineseg.films import PARTS, Part

_EMPTY_FILE = "an empty label file says that a film shows no vertebra"


@dataclass(frozen=True)
class _Labelled:
    """The pictures of a listing that may be films, each with its label file."""

    pictures: list[str]
    label_of: dict[str, str]
    candidates: set[str]


def read_yolo(listing: Listing, chosen: str | None = None) -> FilmSource:
    """Return what lies in a folder; labels and films themselves are not read yet.

    Known are `PART/images` + `PART/labels` (Roboflow), `images/PART` + `labels/PART` (Ultralytics,
    CVAT), `images` + `labels` (Label Studio), labels beside the films (Darknet), each with folders
    beneath, and what data.yaml (`chosen`, if another file is meant) or obj.data name. Raises
    DataError where it is not so, or most films have no label file.
    """
    class_names, files = read_names(listing, chosen)
    names = dict(enumerate(class_names))
    here = _labelled(listing, set())
    known = known_films(here.pictures, here.label_of)
    counts = Counter(part for part in known.values() if part)
    yamls = {
        file: read_yaml(listing.path(file))
        for file in files
        if file.lower().endswith((".yaml", ".yml"))
    }
    named = named_parts(listing, counts, yamls)
    if named.lists & here.candidates:
        here = _labelled(listing, named.lists)
    parts = {
        f: part for f, part in known.items() if f not in named.films and part not in named.named
    }
    parts |= named.films
    if any(parts.values()) or named.elsewhere:  # What lies in no part beside parts is left out.
        parts = {film: part for film, part in parts.items() if part}
    refuse_empty_folders(listing, parts, here.candidates, named.named)
    films = _films(listing, parts, here.label_of, names)
    films += _elsewhere(named, names)
    if not films:
        raise DataError(
            f"{shown(listing.folder)}: holds no film in train/images, images/train or images, and "
            "none with a label beside it; put them there"
        )
    films.sort(key=lambda film: (PARTS.index(film.part) if film.part else 0, str(film.path)))
    source = _source(listing, films, parts, here, named, files)
    _refuse_bare(source)
    return source


def _elsewhere(named: NamedParts, names: Mapping[int, str]) -> list[SourceFilm]:
    """Return the films of folders that data.yaml names elsewhere.

    Such a folder is listed from where its `images` has `labels` beside it. Raises DataError where
    it holds no film, or one of another part.
    """
    found: dict[Path, SourceFilm] = {}
    for place, part in named.elsewhere:
        folders = (place, *place.parents)
        images = next((f for f in folders if f.name.casefold() in IMAGE_FOLDERS), None)
        listing = listed(images.parent if images else place)
        start = place.relative_to(listing.folder).as_posix()
        films = [f for f in listing.films if start == "." or f.startswith(f"{start}/")]
        pairs = _labelled(listing, set()).label_of
        if not films:
            raise DataError(f"{shown(place)}: is named by data.yaml and holds no film; mend it")
        for film in _films(listing, dict.fromkeys(films, part), pairs, names):
            if found.setdefault(film.path, film).part != part:
                raise DataError(f"{shown(film.path)}: is in two parts by data.yaml; leave one")
    return list(found.values())


def _labelled(listing: Listing, lists: set[str]) -> _Labelled:
    labels = LabelFiles(listing, ".txt", lists)
    pictures = [film for film in listing.films if not holds_labels(film)]
    found = {film: label for film in pictures if (label := labels.of(film)) is not None}
    return _Labelled(pictures, found, set(labels.all()))


def _films(
    listing: Listing,
    parts: Mapping[str, Part | None],
    label_of: Mapping[str, str],
    names: Mapping[int, str],
) -> list[SourceFilm]:
    return [
        SourceFilm(
            listing.path(film),
            parts[film],
            listing.path(label_of[film]) if film in label_of else None,
            names,
        )
        for film in plain(parts, listing)
    ]


def _source(
    listing: Listing,
    films: list[SourceFilm],
    parts: Mapping[str, Part | None],
    here: _Labelled,
    named: NamedParts,
    files: list[str],
) -> FilmSource:
    used = set(here.label_of.values())
    bare = {folded(stem_of(film)) for film in parts if film not in here.label_of}
    orphans = [
        label
        for label in orphans_of(here.candidates, used, set(parts))
        if folded(stem_of(label)) not in bare  # A film's own, in no place of its: told as lost.
    ]
    rest = [
        *named.left_out,
        *leftovers(
            listing,
            set(parts),
            {*files, *named.lists, *used, *orphans},
            set(here.label_of),
            here.candidates - used,
        ),
    ]
    outside = sum(film.has_labels for film in films) - sum(f in here.label_of for f in parts)
    return FilmSource(
        listing.folder,
        tuple(films),
        tuple(listing.path(name) for name in [*files, *sorted(named.lists)]),
        tuple(listing.path(name) for name in orphans),
        _words(films, parts, here, named),
        tuple(rest),
        len(used) + len(orphans) + outside,
    )


def _words(
    films: list[SourceFilm],
    parts: Mapping[str, Part | None],
    here: _Labelled,
    named: NamedParts,
) -> str:
    there = [part for part in PARTS if any(film.part == part for film in films)]
    words = f"YOLO, parts {', '.join(there)}" if there else "YOLO, without parts"
    if named.named:
        words += ", as its files name them"
    if any(
        here.label_of.get(film, "/").rpartition("/")[0] == film.rpartition("/")[0] for film in parts
    ):
        words += ", labels beside the films"
    if named.not_there:
        words += f"; {', '.join(sorted(named.not_there))} named and not there"
    return words


def _refuse_bare(source: FilmSource) -> None:
    film = next((film for film in source.films if not film.has_labels), None)
    if film is None:
        return
    name = f"{shown(stem_of(film.path.name))}.txt"
    mirrored = "labels/ in the place of images/, and in " if "images" in film.path.parts else ""
    refuse_unlabelled(
        source.folder,
        source.films,
        f"{name} was looked for in {mirrored}the film's own folder ({len(source.orphans)} label "
        "files have no film)",
        f"put them there; {_EMPTY_FILE}",
    )
