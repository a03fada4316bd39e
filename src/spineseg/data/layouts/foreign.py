"""Recognises layouts that are not read, and says what to export instead."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from spineseg.data.film_source import Listing, stem_of
from spineseg.data.layouts.folder_names import PACKED, holds_labels, key_of
from spineseg.data.layouts.json_files import JsonFile, own_json_files, read_json
from spineseg.errors import DataError
from spineseg.files import shown

_HEAD_BYTES = 20_000
_VOC = (
    "Pascal VOC XML, which has boxes alone; export outlines from the tool that made it, as COCO or "
    "YOLO segmentation"
)
_CVAT = "CVAT's own XML; in CVAT export the task as COCO 1.0 or Ultralytics YOLO Segmentation 1.0"
_MASKS = (
    "a mask picture; convert them to YOLO segmentation (Ultralytics' "
    "convert_segment_masks_to_yolo_seg does), or export COCO from the tool that made them"
)
_SUPERVISELY = "Supervisely's JSON; there run the app Export to COCO, or to YOLO segmentation"
_VIA = "VIA's JSON; in VIA choose Annotation, Export Annotations (COCO format)"


def refuse_packed(place: Path) -> None:
    """Raise DataError for a file that holds an export packed."""
    if place.name.lower().endswith(PACKED):
        raise DataError(f"{shown(place)}: is packed; unpack it first, and name its folder")


def refuse_foreign(listing: Listing, shared: Sequence[JsonFile]) -> None:
    """Raise DataError, with the way to convert, where a folder is in a layout that is not read."""
    found = _foreign(listing, shared)
    if found is not None:
        file, words = found
        raise DataError(f"{shown(listing.path(file))}: is {words}")


def _foreign(listing: Listing, shared: Sequence[JsonFile]) -> tuple[str, str] | None:
    for file in shared:
        if file.kind == "via":
            return file.name, _VIA
        if file.kind == "supervisely":
            return file.name, _SUPERVISELY
    for name in own_json_files(listing)[:1]:
        content = read_json(listing.path(name))
        if isinstance(content, dict) and {"objects", "size"} <= set(content):
            return name, _SUPERVISELY
    for name in [name for name in listing.files if name.lower().endswith(".xml")][:20]:
        head = _head(listing, name)
        if "<annotations" in head:
            return name, _CVAT
        if "<annotation" in head:
            return name, _VOC
    packed = [name for name in listing.files if name.lower().endswith(PACKED)]
    if packed and not listing.films:
        return packed[0], "packed; unpack it first"
    return _masks(listing)


def _head(listing: Listing, name: str) -> str:
    if name in listing.odd:
        return ""
    try:
        with listing.path(name).open("rb") as file:
            return file.read(_HEAD_BYTES).decode(errors="replace")
    except OSError:
        return ""


def _masks(listing: Listing) -> tuple[str, str] | None:
    """Return a picture in a folder of labels or masks that is named as a film."""
    stems = {key_of(stem_of(film)) for film in listing.films if not holds_labels(film)}
    for name in listing.films:
        stem = key_of(stem_of(name))
        plain = stem.removesuffix("_mask").removesuffix("-mask").removesuffix("_seg")
        if (holds_labels(name) and stem in stems) or (plain != stem and plain in stems):
            return name, _MASKS
    return None
