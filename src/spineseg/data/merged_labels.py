"""A merged dataset's own label files: where they lie, and their text."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from spineseg.films import Outline
from spineseg.levels import CLASS_INDEX


def label_path(film: Path) -> Path:
    """Return where a merged film's labels lie: its last folder `images` becomes `labels`."""
    folder, name = os.path.split(film)
    head, images, tail = f"/{folder}/".rpartition("/images/")
    if images:
        folder = f"{head}/labels/{tail}"[1:]
    return Path(folder, Path(name).stem + ".txt")


def label_text(outlines: Sequence[Outline]) -> str:
    """Return outlines as a YOLO label file of the 24 classes."""
    return "".join(
        f"{CLASS_INDEX[outline.level]}{' %.6f' * outline.points.size}\n"
        % tuple(outline.points.ravel().tolist())
        for outline in outlines
    )
