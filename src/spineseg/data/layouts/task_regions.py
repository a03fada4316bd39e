"""The regions of one Label Studio annotation as labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from spineseg.data.film_source import SourceFilm
from spineseg.data.labels import MOST_LABELS, RawLabel, all_labels, too_many
from spineseg.files import shown

_NO_REGIONS = {"choices", "textarea", "rating", "number", "datetime", "taxonomy", "pairwise"}
_NAMES = ("polygonlabels", "rectanglelabels", "labels")


def raw_regions(film: SourceFilm) -> Sequence[RawLabel]:
    """Return the regions of one film: polygons, and rectangles as boxes.

    A shape and its label may be two results of one id. Answers about the whole film are no labels.
    """
    if film.labels is None:
        return ()
    assert not isinstance(film.labels, Path)
    where = f"{shown(film.told_in or '')}, {shown(film.path.name)}, region"
    if len(film.labels) > 2 * MOST_LABELS:
        return (too_many(len(film.labels), where),)
    problem = _made_for_another(film.labels)
    if problem:
        return (all_labels(f"{shown(film.told_in or '')}, {shown(film.path.name)}", problem),)
    names: dict[str, list[str]] = {}
    for item in film.labels:
        if isinstance(item, dict) and item.get("type") == "labels":
            names[str(item.get("id"))] = _names_in(item)
    found = []
    for number, item in enumerate(film.labels, start=1):
        if not isinstance(item, dict):
            found.append(RawLabel("", f"{where} {number}", (), problem="is no result"))
        elif str(item.get("type")) not in _NO_REGIONS | {"labels", "relation"} or _has_shape(item):
            found.append(_raw_region(item, f"{where} {shown(str(item.get('id', number)))}", names))
    return found


def original_sizes(results: Iterable[Any]) -> set[tuple[int, int]]:
    """Return the sizes, width and height in px, that results say their film has."""
    found = set()
    for item in results:
        if isinstance(item, dict):
            width, height = item.get("original_width"), item.get("original_height")
            if _is_count(width) and _is_count(height):
                found.add((int(width), int(height)))
    return found


def _is_count(value: Any) -> TypeGuard[float]:
    return isinstance(value, int) or (isinstance(value, float) and isfinite(value))


def _made_for_another(results: Sequence[Any]) -> str | None:
    """Return what says that results were not drawn on one film as it is seen, None if nothing."""
    sizes = sorted(original_sizes(results))
    if len(sizes) > 1:
        (width, height), (other, high) = sizes[:2]
        return (
            f"its regions are for films of {width}x{height} and of {other}x{high} px; "
            "annotate it again"
        )
    turned = next((r for r in results if isinstance(r, dict) and r.get("image_rotation")), None)
    if turned is not None:
        return (
            f"was turned by {shown(str(turned['image_rotation']))} degrees to be annotated; turn "
            "the film itself and annotate it again"
        )
    return None


def _has_shape(item: Mapping[str, Any]) -> bool:
    value = item.get("value")
    return isinstance(value, dict) and bool({"points", "rle", "width"} & set(value))


def _names_in(item: Mapping[str, Any]) -> list[str]:
    value = item.get("value")
    if not isinstance(value, dict):
        return []
    for key in _NAMES:
        if isinstance(value.get(key), list):
            return [str(name) for name in value[key]]
    return []


def _raw_region(item: Mapping[str, Any], where: str, names: Mapping[str, list[str]]) -> RawLabel:
    def wrong(problem: str) -> RawLabel:
        return RawLabel("", where, (), problem=problem)

    value = item.get("value")
    if not isinstance(value, dict):
        return wrong("has no value; export it again")
    if "rle" in value or "brushlabels" in value:
        return wrong("is painted with a brush; draw its outline, or export as COCO")
    own = _names_in(item) or names.get(str(item.get("id")), [])
    if len(own) != 1:
        return wrong(f"has {len(own)} labels, {shown(', '.join(own)) or 'none'}; give it one level")
    try:
        if "points" in value:
            ring = np.array(value["points"], dtype=float).reshape(-1, 2) / 100
            if len(ring) < 3:
                return wrong(f"has {len(ring)} points; an outline has 3 or more")
            return RawLabel(own[0], where, (ring,))
        return RawLabel(own[0], where, (_corners(item, value) / 100,), is_box=True)
    except KeyError as error:
        kind = item.get("type", "shape")
        return wrong(f"is a {kind} without {error}, not a polygon; draw its outline")
    except (TypeError, ValueError, OverflowError) as error:
        return wrong(f"cannot be read ({error}); export it again")


def _corners(item: Mapping[str, Any], value: Mapping[str, Any]) -> np.ndarray:
    """Return a rectangle's corners, (4, 2) percent; it is turned about its first, in pixels."""
    if "radiusX" in value:
        raise KeyError("points")
    x, y, width, height = (float(value[key]) for key in ("x", "y", "width", "height"))
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)])
    angle = np.deg2rad(float(value.get("rotation") or 0))
    if angle:
        size = np.array([float(item["original_width"]), float(item["original_height"])])
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        corners = (corners * size) @ turn / size
    return corners + np.array([x, y])
