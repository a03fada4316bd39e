"""Reads labelme: a JSON file beside each film, with its outlines in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from spineseg.data.film_source import (
    FilmSource,
    Listing,
    SourceFilm,
    refuse_unlabelled,
    stem_of,
)
from spineseg.data.labels import MOST_LABELS, RawLabel, all_labels, too_many
from spineseg.data.layouts.folder_names import holds_labels, key_of, part_of_path
from spineseg.data.layouts.json_files import JsonFile, kind_of, read_json
from spineseg.data.layouts.known_parts import refuse_unlisted_parts
from spineseg.data.layouts.label_files import LabelFiles
from spineseg.data.layouts.leftovers import leftovers
from spineseg.data.layouts.listing import plain
from spineseg.data.layouts.named_images import NamedImages
from spineseg.decoding.dicom import decode_dicom, is_dicom
from spineseg.decoding.pictures import MOST_PIXELS, opened, seen_size
from spineseg.errors import DataError
from spineseg.files import shown


def read_labelme(listing: Listing, shared: Sequence[JsonFile]) -> FilmSource:
    """Return the films of a labelme folder; their files are read later, but for those in `shared`.

    Those are named as no film: each says its film by its imagePath. Raises DataError where that is
    not there (labelme may have kept it in the JSON file alone), and where a film has two files.
    """
    labels = LabelFiles(listing, ".json", [file.name for file in shared])
    films = [film for film in listing.films if not holds_labels(film)]
    beside = {film: label for film in films if (label := labels.of(film)) is not None}
    images = NamedImages(listing)
    label_of: dict[str, str] = {}
    for own, label in beside.items():
        _pair(listing, label_of, _meant(listing, images, own, label), label)
    for file in shared:
        if file.kind == "labelme":
            _pair(listing, label_of, _image(listing, images, file), file.name)
    for name in sorted(set(labels.all()) - set(label_of.values())):
        content = read_json(listing.path(name))
        if kind_of(content) == "labelme" and (film := _named(images, name, content)):
            _pair(listing, label_of, film, name)
    places = {film.rpartition("/")[0] for film in label_of}
    chosen = [film for film in films if film.rpartition("/")[0] in places]
    found = tuple(
        SourceFilm(
            listing.path(film),
            part_of_path(film),
            listing.path(label_of[film]) if film in label_of else None,
            {},
            style="labelme",
        )
        for film in plain(chosen, listing)
    )
    refuse_unlisted_parts(listing, chosen, "file of labelme")
    refuse_unlabelled(
        listing.folder,
        found,
        "a JSON file of labelme, named as the film, was looked for beside it",
        "save each in labelme; one saved without a shape says that a film shows no vertebra",
    )
    orphans = sorted(set(labels.all()) - set(label_of.values()))
    used = {*label_of.values(), *orphans}
    return FilmSource(
        listing.folder,
        found,
        (),
        tuple(listing.path(name) for name in orphans),
        "labelme, a JSON file a film",
        tuple(leftovers(listing, set(chosen), used, set(label_of))),
        len(used),
    )


def _meant(listing: Listing, images: NamedImages, film: str, label: str) -> str:
    """Return the film of a file that is named as `film`: another of that name, by its imagePath."""
    if not images.has_namesakes(film):
        return film
    content = read_json(listing.path(label))
    if kind_of(content) != "labelme":
        return film
    named = str(content.get("imagePath") or "")
    return images.find(named, (label.rpartition("/")[0],), beside=film) or film


def _pair(listing: Listing, label_of: dict[str, str], film: str, label: str) -> None:
    other = label_of.setdefault(film, label)
    if other != label:
        raise DataError(
            f"{shown(listing.path(film))}: has two label files, {shown(other)} and {shown(label)}; "
            "keep the right one"
        )


def _named(images: NamedImages, name: str, content: dict[str, Any]) -> str | None:
    return images.find(str(content.get("imagePath") or ""), (name.rpartition("/")[0],))


def _image(listing: Listing, images: NamedImages, file: JsonFile) -> str:
    film = _named(images, file.name, file.content)
    if film is None:
        named = shown(str(file.content.get("imagePath")))
        kept = " (labelme kept it in the JSON file alone)" if file.content.get("imageData") else ""
        raise DataError(
            f"{shown(listing.path(file.name))}: its film {named} is not there{kept}; put it beside "
            "the file"
        )
    return film


def raw_shapes(film: SourceFilm) -> Sequence[RawLabel]:
    """Return the shapes of one film's labelme file: polygons, and rectangles as boxes."""
    if film.labels is None:
        return ()
    assert isinstance(film.labels, Path)
    where = shown(film.labels)
    try:
        content = read_json(film.labels)
        if kind_of(content) != "labelme":
            raise ValueError("is no labelme file; it needs shapes and imagePath")
        size = (int(content["imageWidth"]), int(content["imageHeight"]))
        _check(film.path, size, content)
        shapes = list(content["shapes"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        text = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        return (all_labels(where, f"{text}; export it again"),)
    except DataError as error:
        return (all_labels(where, str(error).removeprefix(f"{where}: ")),)
    if len(shapes) > MOST_LABELS:
        return (too_many(len(shapes), where),)
    return [_raw_shape(s, f"{where}, shape {n}", size) for n, s in enumerate(shapes, start=1)]


def _check(film: Path, size: tuple[int, int], content: dict[str, Any]) -> None:
    """Raise ValueError where the file was made for another film, or for another size of it."""
    name = PurePosixPath(str(content.get("imagePath") or film.name).replace("\\", "/")).name
    if key_of(stem_of(name)) != key_of(stem_of(film.name)):
        raise ValueError(f"says that its film is {shown(name)}, and lies at {shown(film.name)}")
    if min(size) < 1:
        raise ValueError(f"says that its film is {size[0]}x{size[1]} px")
    try:
        own = _seen_size(film)
    except (OSError, MemoryError, DataError):  # The film's own reader says what is wrong with it.
        return
    if own != size:
        raise ValueError(
            f"is for a film of {size[0]}x{size[1]} px, and {shown(film.name)} is {own[0]}x{own[1]} "
            "as it is seen"
        )


def _seen_size(film: Path) -> tuple[int, int]:
    """Return a film's width and height in px once it is turned as its file says."""
    content = film.read_bytes()
    if is_dicom(content, film):
        return decode_dicom(content, film, MOST_PIXELS)[0].size
    return seen_size(opened(content, film), film)


def _raw_shape(shape: Any, where: str, size: tuple[int, int]) -> RawLabel:
    try:
        name, kind = str(shape["label"]), shape.get("shape_type") or "polygon"
        if kind not in {"polygon", "rectangle"}:
            raise ValueError(f"is a {kind}, not a polygon; draw its outline")
        points = np.array(shape["points"], dtype=float).reshape(-1, 2) / size
        if kind == "rectangle":
            (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
            ring = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
            return RawLabel(name, where, (ring,), is_box=True)
        if len(points) < 3:
            raise ValueError(f"has {len(points)} points; an outline has 3 or more")
        return RawLabel(name, where, (points,))
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        text = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        return RawLabel("", where, (), problem=f"{text}; mend or remove it")
