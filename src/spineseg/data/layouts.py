"""Reads a folder of films in whatever known layout it lies."""

from __future__ import annotations

from pathlib import Path

from spineseg.data.coco import coco_files, read_coco
from spineseg.data.film_source import FilmSource, shown
from spineseg.data.yolo import is_yolo, read_export
from spineseg.errors import DataError


def read_folder(place: Path) -> FilmSource:
    """Return the films of a folder in YOLO or COCO layout, or of one COCO file.

    Raises DataError where it is neither.
    """
    if not place.exists():
        raise DataError(
            f"{shown(place)}: no such folder; name the one that holds data.yaml or the COCO file"
        )
    if not is_yolo(place) and coco_files(place):
        return read_coco(place)
    return read_export(place)
