"""Folders in YOLO layout, and the label files of merged ones."""

from __future__ import annotations

import os
from pathlib import Path

from spineseg.data.film_source import FilmSource, shown
from spineseg.data.layouts.listing import listed
from spineseg.data.layouts.yolo_folders import read_yolo
from spineseg.data.merged_labels import label_path, label_text
from spineseg.errors import DataError

__all__ = ["label_path", "label_text", "read_export"]


def read_export(folder: Path) -> FilmSource:
    """Return what lies in a folder in YOLO layout. Raises DataError where it is none."""
    if not os.path.isdir(folder):  # noqa: PTH112  A name that is too long is no folder.
        raise DataError(f"{shown(folder)}: no such folder; name the one that holds data.yaml")
    return read_yolo(listed(folder.resolve()))
