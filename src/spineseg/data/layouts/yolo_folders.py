"""YOLO segmentation folders: Roboflow's, Ultralytics', CVAT's, Label Studio's and Darknet's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from spineseg.data.film_source import (
    FilmSource,
    LeftOut,
    Listing,
    SourceFilm,
    refuse_unlabelled,
    stem_of,
)
from spineseg.data.layouts.class_names import read_names, read_yaml
from spineseg.data.layouts.folder_names import folded, holds_labels
from spineseg.data.layouts.known_parts import known_films, refuse_empty_folders
from spineseg.data.layouts.label_files import LabelFiles
from spineseg.data.layouts.leftovers import leftovers, orphans_of
from spineseg.data.layouts.listing import listed, plain, without
from spineseg.data.layouts.named_parts import NamedParts, films_below, named_parts
from spineseg.errors import DataError
from spineseg.files import shown
from spineseg.films import PARTS, Part

_EMPTY_FILE = "an empty label file says that a film shows no vertebra"


@dataclass(frozen=True)
class _Labelled:
    """The pictures of a listing that may be films, each with its label file."""

    pictures: list[str]
    label_of: dict[str, str]
    candidates: set[str]


@dataclass(frozen=True)
class _Tree:
    """What lies in one listing: films, label files of none, other files, and labels seen."""

    films: list[SourceFilm]
    orphans: list[Path]
    left_out: list[LeftOut]
    label_files_seen: int


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
    trees = [
        _tree(listing, parts, here, names, {*files, *named.lists}),
        *_elsewhere(named, names, listing.folder),
    ]
    films = [film for tree in trees for film in tree.films]
    if not films:
        raise DataError(
            f"{shown(listing.folder)}: holds no film in train/images, images/train or images, and "
            "none with a label beside it; put them there"
        )
    films.sort(key=lambda film: (PARTS.index(film.part) if film.part else 0, str(film.path)))
    source = FilmSource(
        listing.folder,
        tuple(films),
        tuple(listing.path(name) for name in [*files, *sorted(named.lists)]),
        tuple(path for tree in trees for path in tree.orphans),
        _words(films, parts, here, named),
        (*named.left_out, *(left for tree in trees for left in tree.left_out)),
        sum(tree.label_files_seen for tree in trees),
    )
    _refuse_bare(source)
    return source


def _elsewhere(named: NamedParts, names: Mapping[int, str], own: Path) -> Iterator[_Tree]:
    """Yield what lies in the exports elsewhere of which data.yaml names folders.

    What it does not name of them is read or told as if they were named themselves; `own` is apart.
    Raises DataError for a folder without a film, and a film of two parts.
    """
    roots = {folder.root for folder in named.elsewhere}
    for root in sorted(root for root in roots if roots.isdisjoint(root.parents)):
        listing = without(listed(root), own)
        here = _labelled(listing, set())
        parts: dict[str, Part | None] = {}
        far = [folder for folder in named.elsewhere if root in (folder.root, *folder.root.parents)]
        for folder in far:
            films = films_below(listing, folder.place.relative_to(root).as_posix())
            if not films:
                raise DataError(
                    f"{shown(folder.place)}: is named by data.yaml and holds no film; mend it"
                )
            for film in films:
                if parts.setdefault(film, folder.part) != folder.part:
                    raise DataError(
                        f"{shown(listing.path(film))}: is in two parts by data.yaml; leave one"
                    )
        given = {folder.part for folder in far}
        known = known_films(here.pictures, here.label_of).items()
        parts |= {f: p for f, p in known if p and p not in given | named.named and f not in parts}
        refuse_empty_folders(listing, parts, here.candidates, named.named)
        yield _tree(listing, parts, here, names, set())


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


def _tree(
    listing: Listing,
    parts: Mapping[str, Part | None],
    here: _Labelled,
    names: Mapping[int, str],
    read: set[str],
) -> _Tree:
    """Return what a listing's films, label files and other files are; `read` were read before."""
    used = set(here.label_of.values())
    bare = {folded(stem_of(film)) for film in parts if film not in here.label_of}
    orphans = [
        label
        for label in orphans_of(here.candidates, used, set(parts))
        if folded(stem_of(label)) not in bare  # A film's own, in no place of its: told as lost.
    ]
    rest = leftovers(
        listing,
        set(parts),
        {*read, *used, *orphans},
        set(here.label_of),
        here.candidates - used,
    )
    return _Tree(
        _films(listing, parts, here.label_of, names),
        [listing.path(name) for name in orphans],
        list(rest),
        len(used) + len(orphans),
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
