"""Reads JSON label files, and tells which tool's they are by what they hold."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from spineseg.data.film_source import Listing, stem_of
from spineseg.data.layouts.folder_names import key_of
from spineseg.errors import DataError
from spineseg.files import shown

JsonKind = Literal["coco", "label studio", "labelme", "via", "supervisely", "other"]

_MOST_BYTES = 1_000_000_000
_MOST_FILES = 200  # That label many films each; more of them are no export's.
_COCO = {"images", "annotations", "categories"}


@dataclass(frozen=True)
class JsonFile:
    """A JSON file of a listing, parsed."""

    name: str
    kind: JsonKind
    content: Any


def read_json(path: Path) -> Any:
    """Return a JSON file's content. Raises DataError where it cannot be read."""
    try:
        if not path.is_file():
            raise DataError(f"{shown(path)}: is no file; put the labels there")
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{shown(path)}: is larger than 1 GB; export it in parts")
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        reason = shown(str(error))
        raise DataError(
            f"{shown(path)}: cannot be read as JSON ({reason}); export it again"
        ) from None
    except OSError as error:
        reason = (error.strerror or "no reason given").lower()
        raise DataError(f"{shown(path)}: cannot be read ({reason}); mend its folder") from None


def kind_of(content: Any) -> JsonKind:
    """Return which tool's labels a JSON file holds."""
    if isinstance(content, list):
        entry = next((entry for entry in content if isinstance(entry, dict)), {})
        is_task = isinstance(entry.get("data"), dict) or _is_min(entry)
        return "label studio" if is_task else "other"
    if not isinstance(content, dict):
        return "other"
    if "shapes" in content and {"imagePath", "imageHeight", "imageData"} & set(content):
        return "labelme"
    if "_via_img_metadata" in content or _is_via(content):
        return "via"
    if {"classes", "tags"} <= set(content) or {"objects", "size"} <= set(content):
        return "supervisely"
    return "coco" if len(_COCO & set(content)) > 1 else "other"


def _is_min(entry: dict[str, Any]) -> bool:
    """Return whether an entry is one of Label Studio's JSON-MIN."""
    return any(
        isinstance(value, list)
        and any(isinstance(v, dict) and "original_width" in v for v in value)
        for value in entry.values()
    ) or {"annotation_id", "image"} <= set(entry)


def _is_via(content: dict[str, Any]) -> bool:
    values = list(content.values())
    return bool(values) and all(isinstance(v, dict) and "regions" in v for v in values[:20])


def own_json_files(listing: Listing) -> list[str]:
    """Return the JSON files that are named as a film is, as `a.json` or `a.jpg.json`."""
    names = {key_of(PurePosixPath(film).name) for film in listing.films}
    names |= {stem_of(name) for name in names}
    return [
        name
        for name in listing.files
        if name.lower().endswith(".json") and key_of(PurePosixPath(name).stem) in names
    ]


def shared_json_files(listing: Listing) -> list[JsonFile]:
    """Return the JSON files of a listing that are named as no film, parsed.

    Raises DataError for one that is damaged, and for too many of them.
    """
    own = set(own_json_files(listing))
    files = [n for n in listing.files if n.lower().endswith(".json") and n not in own]
    if len(files) > _MOST_FILES:
        raise DataError(
            f"{shown(listing.path(files[0]))}: is one of {len(files)} JSON files that are named as "
            "no film; put each film beside its file, or name one file for all"
        )
    found = []
    for name in files:
        content = read_json(listing.path(name))
        found.append(JsonFile(name, kind_of(content), content))
    return found
