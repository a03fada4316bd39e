"""Reads COCO instance segmentation JSON, as Roboflow, CVAT, Label Studio and COCO itself lay it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from spineseg.data.film_source import (
    IMAGE_SUFFIXES,
    FilmSource,
    LeftOut,
    Listing,
    SourceFilm,
    refuse_unlabelled,
    stem_of,
    suffix_of,
)
from spineseg.data.labels import MOST_LABELS, RawLabel, too_many
from spineseg.data.layouts.folder_names import folded, part_in, part_of_path
from spineseg.data.layouts.json_files import JsonFile
from spineseg.data.layouts.known_parts import refuse_unlisted_parts
from spineseg.data.layouts.leftovers import leftovers
from spineseg.data.layouts.listing import plain
from spineseg.data.layouts.named_images import NamedImages
from spineseg.data.layouts.run_lengths import traced
from spineseg.errors import DataError
from spineseg.files import shown
from spineseg.films import Part

_MOST_PIXELS = 100_000_000


def read_coco(listing: Listing, files: Sequence[JsonFile]) -> FilmSource:
    """Return the films that COCO files describe, out of all JSON files of a listing.

    Raises DataError naming file and rule for a file that is no COCO instance segmentation, and
    where most of the films have no annotation.
    """
    images = NamedImages(listing)
    told: dict[str, str] = {}
    labelled: set[str] = set()
    films: list[SourceFilm] = []
    coco = [file for file in files if file.kind == "coco"]
    for file in coco:
        for name, film in _films(file, listing, images):
            if name in told:
                twice = "twice" if told[name] == file.name else f"and in {shown(told[name])}"
                raise DataError(
                    f"{shown(listing.path(file.name))}: image {shown(name)} is listed in it {twice}"
                    "; keep one entry"
                )
            told[name] = file.name
            films.append(film)
            if film.has_labels:
                labelled.add(name)
    if not films:
        raise DataError(f"{shown(listing.folder)}: its COCO files name no image; export it again")
    films.sort(key=lambda film: str(film.path))
    refuse_unlisted_parts(listing, told, "COCO file")
    refuse_unlabelled(
        listing.folder,
        tuple(films),
        "its COCO files list them without an annotation",
        "annotate them, or remove the entries of films that nobody annotated",
    )
    plain(told, listing)
    used = {file.name for file in coco}
    return FilmSource(
        listing.folder,
        tuple(films),
        tuple(listing.path(file.name) for file in coco),
        layout=f"COCO, {len(coco)} file{'s' if len(coco) > 1 else ''}",
        left_out=tuple(_left_out(listing, files, set(told), used, labelled)),
        label_files_seen=len(labelled),
    )


def stems_in(file: JsonFile) -> set[str]:
    """Return the names, folded and without folders and suffix, of the images of a COCO file."""
    images = file.content.get("images")
    entries = [e for e in images if isinstance(e, dict)] if isinstance(images, list) else []
    names = (str(entry.get("file_name", "")).replace("\\", "/") for entry in entries)
    return {folded(stem_of(name)) for name in names}


def _left_out(
    listing: Listing,
    files: Sequence[JsonFile],
    films: set[str],
    used: set[str],
    labelled: set[str],
) -> Iterator[LeftOut]:
    others = {file.name for file in files} - used
    for name in sorted(others):
        yield LeftOut(listing.path(name), "JSON file that is no COCO file", False)
    yield from leftovers(listing, films, used | others, labelled)


def _films(
    file: JsonFile, listing: Listing, images: NamedImages
) -> Iterator[tuple[str, SourceFilm]]:
    path, content = listing.path(file.name), file.content
    missing = {"images", "annotations", "categories"} - set(content)
    if missing:
        raise DataError(
            f"{shown(path)}: has no {', '.join(sorted(missing))}; export it as COCO instances"
        )
    try:
        names = {entry["id"]: str(entry["name"]).strip() for entry in content["categories"]}
        known = {image["id"] for image in content["images"]}
        for key, ids in (("categories", names), ("images", known)):
            if len(ids) < len(content[key]):
                raise DataError(f"{shown(path)}: two {key} have one id; export it again")
        labels: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        for annotation in content["annotations"]:
            labels[annotation["image_id"]].append(annotation)
        lost = [a.get("id") for image, group in labels.items() if image not in known for a in group]
        if lost:
            raise DataError(
                f"{shown(path)}: annotation {lost[0]} belongs to no image of the file; "
                "export it again"
            )
        for image in content["images"]:
            width, height = int(image["width"]), int(image["height"])
            if min(width, height) < 1 or width * height > _MOST_PIXELS:
                raise DataError(
                    f"{shown(path)}: image {image['id']} is {width}x{height} px, which is no film; "
                    "export it again"
                )
            name = _image(str(image["file_name"]), file.name, path, images)
            film = SourceFilm(
                listing.path(name),
                _part(file.name, name),
                tuple(labels[image["id"]]) or None,
                names,
                (width, height),
                "coco",
                path,
            )
            yield name, film
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        what = f"an entry lacks {error}" if isinstance(error, KeyError) else str(error)
        raise DataError(
            f"{shown(path)}: is no COCO instance segmentation ({shown(what)}); "
            "it needs images, annotations and categories with their ids"
        ) from None


def _image(name: str, file: str, path: Path, images: NamedImages) -> str:
    """Return the film that an entry names: tools write paths of their own machines."""
    place, _, base = file.rpartition("/")
    part = PurePosixPath(base).stem.removeprefix("instances_")
    found = images.find(name, (part, f"images/{part}", place, f"{place}/images", "", "images"))
    if found is not None:
        return found
    where, named = shown(path), repr(shown(name))
    if suffix_of(name.replace("\\", "/")) not in IMAGE_SUFFIXES:
        raise DataError(f"{where}: {named} is no image file; export images beside the JSON")
    raise DataError(
        f"{where}: its image {named} is not there; put it beside the file or in images/"
    )


def _part(file: str, image: str) -> Part | None:
    """Return the part that the file's folder, its name or the film's folders tell, if any."""
    place, _, base = file.rpartition("/")
    return part_of_path(file) or part_in(place) or part_in(base[:-5]) or part_of_path(image)


def raw_annotations(film: SourceFilm) -> Sequence[RawLabel]:
    """Return the annotations of one film: polygons, run-length encoded masks or boxes."""
    if film.labels is None:
        return ()
    assert not isinstance(film.labels, Path) and film.size is not None
    start = f"{shown(film.told_in)}, " if film.told_in else ""
    start += f"{shown(film.path.name)}, annotation"
    if len(film.labels) > MOST_LABELS:
        return (too_many(len(film.labels), start),)
    return [
        _raw_label(a, f"{start} {a.get('id', '?')}", film.names, film.size) for a in film.labels
    ]


def _raw_label(
    annotation: dict[str, Any], where: str, names: Mapping[int, str], size: tuple[int, int]
) -> RawLabel:
    try:
        name = names[annotation["category_id"]]
        shape = annotation.get("segmentation")
        if annotation.get("iscrowd"):
            raise ValueError("it is a crowd, iscrowd: 1, where each vertebra needs an outline")
        if isinstance(shape, dict):
            return RawLabel(name, where, traced(shape, size))
        if not shape:
            x, y, width, height = (float(value) for value in annotation["bbox"])
            if max(abs(x), abs(y), abs(width), abs(height)) <= 1:
                raise ValueError("its box is in fractions, 0..1, where COCO has pixels")
            ring = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
            return RawLabel(name, where, (ring / size,), is_box=True)
        rings = [np.array(values, dtype=float).ravel() for values in shape]
        odd = next((len(ring) for ring in rings if len(ring) < 6 or len(ring) % 2), None)
        if odd is not None:
            raise ValueError(f"has {odd} coordinates; an outline has an even number, 6 or more")
        if all((np.abs(ring) <= 1).all() for ring in rings):
            raise ValueError("its points are fractions, 0..1, where COCO has pixels")
        return RawLabel(name, where, tuple(ring.reshape(-1, 2) / size for ring in rings))
    except KeyError as error:
        problem = f"lacks {error}, or its category is not in the file; export it again"
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        problem = f"cannot be read ({error}); export it again"
    return RawLabel("", where, (), problem=problem)
