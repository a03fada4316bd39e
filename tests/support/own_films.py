"""A folder of somebody's own films, made up: pictures with labels of four levels beside them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from laid_out import put
from mixed_films import dicom, saved
from PIL import Image

SIDE = 64
LEVELS = ("T9", "T10", "T11", "T12")
BOTH_SIDES = tuple(f"P{patient:03d}_{side}" for patient in range(20) for side in "LR")
"""Names of 40 films of 20 patients."""


def rows(count: int = 4, classes: Iterable[int] = range(4)) -> str:
    """Return a film's YOLO label file: bodies one below the other."""
    lines = []
    for place, number in list(enumerate(classes))[:count]:
        top, end = 0.1 + 0.2 * place, 0.22 + 0.2 * place
        lines.append(f"{number} 0.3 {top:.2f} 0.6 {top:.2f} 0.6 {end:.2f} 0.3 {end:.2f}\n")
    return "".join(lines)


def picture(number: int) -> bytes:
    """Return a film's bytes, unlike any other's."""
    pixels = np.random.default_rng(number).integers(0, 255, (SIDE, SIDE), np.uint8)
    return saved(Image.fromarray(pixels), "PNG")


def own_films(
    folder: Path, names: Iterable[str] = BOTH_SIDES, levels: Iterable[str] = LEVELS
) -> Path:
    """Write films and labels as Label Studio lays out YOLO: images, labels, classes.txt."""
    for number, name in enumerate(names):
        put(folder / "images" / f"{name}.png", picture(number))
        put(folder / "labels" / f"{name}.txt", rows())
    put(folder / "classes.txt", "\n".join(levels) + "\n")
    return folder


def dicom_films(folder: Path, patients: int = 14) -> Path:
    """Write two DICOM films of each patient, told by PatientID alone, with labels."""
    for number in range(2 * patients):
        put(folder / "images" / f"IM{number}.dcm", dicom(number, PatientID=f"ID-{number // 2}"))
        put(folder / "labels" / f"IM{number}.txt", rows())
    put(folder / "classes.txt", "\n".join(LEVELS) + "\n")
    return folder
