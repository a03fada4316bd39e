"""Reads COCO instance segmentation JSON, as Roboflow, CVAT, Label Studio and COCO itself lay it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import contourpy
import numpy as np
import shapely
from pycocotools import mask as coco_mask

from spineseg.data.film_source import IMAGE_SUFFIXES, PART_OF_NAME, FilmSource, SourceFilm
from spineseg.data.labels import RawLabel
from spineseg.errors import DataError
from spineseg.files import shown
from spineseg.films import Part

_SIMPLIFY_PX = 0.25  # A traced mask's steps; an outline keeps within this of them.
_PATTERNS = ("*/_annotations.coco.json", "annotations/*.json", "*.json")


def coco_files(place: Path) -> tuple[Path, ...]:
    """Return the COCO files of a folder, or the file itself; none where it is no such folder."""
    if place.is_file():
        return (place,) if place.suffix.lower() == ".json" else ()
    for pattern in _PATTERNS:
        found = sorted(path for path in place.glob(pattern) if path.is_file())
        if found:
            return tuple(found)
    return ()


def read_coco(place: Path) -> FilmSource:
    """Return the films that the COCO files of `place` (a folder, or one file) describe.

    Raises DataError naming file and rule for a file that is no COCO instance segmentation.
    """
    files = coco_files(place)
    folder = place if place.is_dir() else place.parent
    films = [film for path in files for film in _films(path, folder)]
    if not films:
        raise DataError(f"{shown(place)}: its COCO files name no image; export it again")
    seen: set[Path] = set()
    for film in films:
        if film.path in seen:
            raise DataError(f"{shown(film.path)}: is in the COCO files twice; keep one entry")
        seen.add(film.path)
    return FilmSource(folder, tuple(sorted(films, key=lambda film: str(film.path))), files)


def _films(path: Path, folder: Path) -> Iterator[SourceFilm]:
    content = _content(path)
    try:
        names = {entry["id"]: str(entry["name"]).strip() for entry in content["categories"]}
        labels: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        for annotation in content["annotations"]:
            labels[annotation["image_id"]].append(annotation)
        known = {image["id"] for image in content["images"]}
        lost = [a.get("id") for image, group in labels.items() if image not in known for a in group]
        if lost:
            raise DataError(
                f"{shown(path)}: annotation {lost[0]} belongs to no image of the file; "
                "export it again"
            )
        for image in content["images"]:
            width, height = int(image["width"]), int(image["height"])
            if min(width, height) < 1:
                raise DataError(f"{shown(path)}: image {image['id']} has no size; export it again")
            file = _image_file(str(image["file_name"]), path, folder)
            yield SourceFilm(
                file, _part(path, file), tuple(labels[image["id"]]), names, (width, height)
            )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{shown(path)}: is no COCO instance segmentation ({type(error).__name__}: {error}); "
            "it needs images, annotations and categories with their ids"
        ) from None


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(
            f"{shown(path)}: cannot be read as JSON ({error}); export it again"
        ) from None
    missing = {"images", "annotations", "categories"} - set(
        content if isinstance(content, dict) else ()
    )
    if missing:
        raise DataError(
            f"{shown(path)}: has no {', '.join(sorted(missing))}; export it as COCO instances"
        )
    return dict(content)


def _image_file(name: str, path: Path, folder: Path) -> Path:
    """Return the image that an entry names: beside its file, in `images`, or in the part's folder.

    Tools write paths of their own machines; only what lies within `folder` is taken.
    """
    pure = PurePosixPath(name.replace("\\", "/"))
    if pure.suffix.lower() not in IMAGE_SUFFIXES:
        raise DataError(f"{shown(path)}: {name!r} is no image file; export images beside the JSON")
    inner = PurePosixPath(*(part for part in pure.parts if part not in {"/", ".", ".."}))
    part = path.stem.removeprefix("instances_")
    for base in (path.parent, folder, folder / "images", folder / part, folder / "images" / part):
        for candidate in (base / inner, base / inner.name):
            if candidate.is_file():
                return candidate
    raise DataError(
        f"{shown(path)}: its image {name!r} is not there; put it beside the file or in images/"
    )


def _part(path: Path, image: Path) -> Part | None:
    """Return the part that the file's or the folder's name tells, if any."""
    for name in (path.parent.name, path.stem.removeprefix("instances_"), image.parent.name):
        for key, part in PART_OF_NAME.items():
            if name.lower().rstrip("0123456789") == key:
                return part
    return None


def raw_annotations(film: SourceFilm) -> Sequence[RawLabel]:
    """Return the annotations of one film: polygons, run-length encoded masks or boxes."""
    assert not isinstance(film.labels, Path) and film.size is not None
    return [_raw_label(annotation, film.names, film.size) for annotation in film.labels]


def _raw_label(
    annotation: dict[str, Any], names: Mapping[int, str], size: tuple[int, int]
) -> RawLabel:
    where = f"annotation {annotation.get('id', '?')}"
    try:
        name = names[annotation["category_id"]]
        shape = annotation.get("segmentation")
        if isinstance(shape, dict):
            return RawLabel(name, where, _traced(shape, size))
        if not shape:
            x, y, width, height = (float(value) for value in annotation["bbox"])
            ring = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
            return RawLabel(name, where, (ring / size,), is_box=True)
        rings = [np.array(values, dtype=float).ravel() for values in shape]
        odd = next((len(ring) for ring in rings if len(ring) < 6 or len(ring) % 2), None)
        if odd is not None:
            raise ValueError(f"has {odd} coordinates; an outline has an even number, 6 or more")
        return RawLabel(name, where, tuple(ring.reshape(-1, 2) / size for ring in rings))
    except KeyError as error:
        problem = f"lacks {error}, or its category is not in the file; export it again"
    except (ValueError, TypeError, IndexError, SystemError) as error:
        problem = f"cannot be read ({error}); export it again"
    return RawLabel("", where, (), problem=problem)


def _traced(shape: dict[str, Any], size: tuple[int, int]) -> tuple[np.ndarray, ...]:
    """Return the outlines of a run-length encoded mask, along its pixels' edges.

    Raises ValueError for a mask of another size than its film, or an empty one.
    """
    height, width = (int(side) for side in shape["size"])
    if (width, height) != size:
        raise ValueError(f"its mask is {width}x{height}, its film {size[0]}x{size[1]}")
    counts = shape["counts"]
    if isinstance(counts, list):
        if sum(counts) != width * height or min(counts, default=0) < 0:
            raise ValueError("its mask's counts do not fill the film")
        shape = coco_mask.frPyObjects({"size": [height, width], "counts": counts}, height, width)
    left, top, across, down = (int(side) for side in coco_mask.toBbox(shape))
    if not across or not down:
        raise ValueError("its mask is empty")
    mask = np.pad(coco_mask.decode(shape)[top : top + down, left : left + across], 1)
    # One pixel of padding: the contour at 0.5 runs half a sample from each pixel's middle.
    lines = contourpy.contour_generator(z=mask.astype(float)).lines(0.5)
    rings = []
    for line in lines:
        ring = shapely.LinearRing(np.asarray(line) - 0.5 + [left, top]).simplify(_SIMPLIFY_PX)
        rings.append(np.array(ring.coords) / size)
    return tuple(rings)
