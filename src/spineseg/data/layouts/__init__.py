"""Reads a folder of films, and a film's labels, in whatever known layout they lie."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from spineseg.data.film_source import FilmSource, Listing, SourceFilm, stem_of, suffix_of
from spineseg.data.labels import RawLabel
from spineseg.data.layouts.class_names import names_files
from spineseg.data.layouts.coco import raw_annotations, read_coco, stems_in
from spineseg.data.layouts.folder_names import folded
from spineseg.data.layouts.foreign import refuse_foreign, refuse_packed
from spineseg.data.layouts.json_files import (
    JsonFile,
    kind_of,
    own_json_files,
    read_json,
    shared_json_files,
)
from spineseg.data.layouts.label_files import has_label_texts
from spineseg.data.layouts.label_rows import raw_rows
from spineseg.data.layouts.label_studio import read_tasks
from spineseg.data.layouts.labelme import raw_shapes, read_labelme
from spineseg.data.layouts.listing import listed
from spineseg.data.layouts.task_regions import raw_regions
from spineseg.data.layouts.yolo_folders import read_yolo
from spineseg.errors import DataError
from spineseg.files import shown


def read_folder(place: Path) -> FilmSource:
    """Return the films of a folder in any known layout, or of one file: data.yaml or a JSON file.

    Links to folders are not followed. Raises DataError, with what to do, where the layout is not
    known, or a film or its labels would be lost.
    """
    if not os.path.exists(place):  # noqa: PTH110  A name that is too long is no folder.
        raise DataError(
            f"{shown(place)}: no such folder; name the one that holds data.yaml or the COCO file"
        )
    place = place.resolve()  # `.` says nothing of the folders above.
    if place.is_dir():
        return _read(listed(place))
    refuse_packed(place)
    suffix = place.suffix.lower()
    if suffix in {".yaml", ".yml"}:
        return read_yolo(listed(place.parent), place.name)
    if suffix != ".json":
        raise DataError(
            f"{shown(place)}: is a file; name the folder that holds data.yaml, or a JSON file of "
            "COCO or Label Studio"
        )
    content = read_json(place)
    file = JsonFile(place.name, kind_of(content), content)
    listing = listed(place.parent)
    refuse_foreign(Listing(place.parent), [file])
    if file.kind == "label studio":
        return _near(read_tasks(listing, [file]), place)
    if file.kind == "labelme":
        raise DataError(f"{shown(place)}: is of one film, by labelme; name its folder")
    return _near(read_coco(listing, [_as_coco(file, place)]), place)


def _near(source: FilmSource, place: Path) -> FilmSource:
    """Return the films that one file names; what lies in other folders than theirs is not meant."""
    folders = {film.path.parent for film in source.films}
    near = (x for x in source.left_out if x.path.parent in folders or x.path == place)
    return replace(source, left_out=tuple(near))


def _read(listing: Listing) -> FilmSource:
    """Return a folder's films; where that fails, a link that was not followed is told, too."""
    try:
        return _read_layout(listing)
    except DataError as error:
        link = next((left.path for left in listing.left_out if left.path.is_symlink()), None)
        if link is None:
            raise
        raise DataError(
            f"{error} ({shown(link)} is a link to a folder, and these are not followed; put the "
            "folder itself there)"
        ) from None


def _read_layout(listing: Listing) -> FilmSource:
    has_names = bool(names_files(listing))
    if has_names and has_label_texts(listing):
        _refuse_coco_beside(listing)
        return read_yolo(listing)
    shared = shared_json_files(listing)
    kinds = {file.kind: file.name for file in shared if file.kind in _READERS}
    for name in own_json_files(listing)[:_LOOKED_AT]:
        if kind_of(read_json(listing.path(name))) == "labelme":
            kinds.setdefault("labelme", name)
    if len(kinds) > 1:
        raise _two_kinds(listing, *list(kinds.items())[:2])
    for kind in kinds:
        return _READERS[kind](listing, shared)
    refuse_foreign(listing, shared)
    if len(shared) == 1 and not has_names:
        return read_coco(listing, [_as_coco(shared[0], listing.path(shared[0].name))])
    return read_yolo(listing)


def _refuse_coco_beside(listing: Listing) -> None:
    """Raise DataError where films that have YOLO labels are in a COCO file, too."""
    texts = [name for name in listing.files if suffix_of(name) == ".txt"]
    labels = {folded(stem_of(stem_of(name))): name for name in texts}  # Of a.jpg.txt, too.
    labels |= {folded(stem_of(name)): name for name in texts}
    names = [name for name in listing.files if suffix_of(name) == ".json"]
    for name in names[:_LOOKED_AT]:
        try:
            content = read_json(listing.path(name))
        except DataError:  # It is told as a file that is not read.
            continue
        file = JsonFile(name, kind_of(content), content)
        both = sorted(stems_in(file) & set(labels)) if file.kind == "coco" else []
        if both:
            raise _two_kinds(listing, ("coco", name), ("yolo", labels[both[0]]))


def _two_kinds(listing: Listing, one: tuple[str, str], other: tuple[str, str]) -> DataError:
    return DataError(
        f"{shown(listing.folder)}: holds labels of two kinds, {one[0]} ({shown(one[1])}) and "
        f"{other[0]} ({shown(other[1])}); keep those that are right"
    )


_LOOKED_AT = 10  # Files of one film each, to tell whose they are.
_READERS = {"coco": read_coco, "label studio": read_tasks, "labelme": read_labelme}


def _as_coco(file: JsonFile, path: Path) -> JsonFile:
    """Return a JSON file of no other kind, to be read as COCO or refused by what it lacks."""
    if isinstance(file.content, dict):
        return file
    raise DataError(
        f"{shown(path)}: has no annotations, categories, images; export it as COCO instances"
    )


def raw_labels_of(film: SourceFilm) -> Sequence[RawLabel]:
    """Return the labels of one film as they are written; none where it has no file or entry."""
    match film.style:
        case "coco":
            return raw_annotations(film)
        case "label studio":
            return raw_regions(film)
        case "labelme":
            return raw_shapes(film)
        case _:
            return raw_rows(film.labels, film.names) if isinstance(film.labels, Path) else ()
