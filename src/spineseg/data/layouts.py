"""Reads a folder of films, and a film's labels, in whatever known layout they lie."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from spineseg.data.coco import coco_files, raw_annotations, read_coco
from spineseg.data.film_source import FilmSource, SourceFilm
from spineseg.data.labels import RawLabel
from spineseg.data.yolo import is_yolo, raw_labels, read_export
from spineseg.errors import DataError
from spineseg.files import shown


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


def raw_labels_of(film: SourceFilm) -> Sequence[RawLabel]:
    """Return the labels of one film as they are written."""
    if isinstance(film.labels, Path):
        return raw_labels(film.labels, film.names)
    return raw_annotations(film)
