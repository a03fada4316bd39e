"""Writes phantoms as YOLO segmentation exports: a flat folder of films and labels for each view."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import yaml

from spineseg.files import staging
from spineseg.levels import CERVICAL, LUMBAR, THORACIC, View
from spineseg.measurement.aspect import SIZES_FILE
from spineseg.phantom.film import VIEWS, Film, render_film
from spineseg.workers import on_all_cores

_NAMES: dict[View, list[str]] = {
    "frontal": sorted(THORACIC + LUMBAR),
    "lateral": list(CERVICAL),
}
_JPEG_QUALITY = 92
CORNERS_FILE = "corners.csv"
"""Where each body's rims end, by what it was made of, as fractions of the film: the truth."""
_README = (
    "Synthetic X-rays of the spine, {view} view: projections of a phantom, made by spineseg.\n"
    "They show no patient and say nothing of any. Seed {seed}, difficulty {difficulty:g}.\n"
)


def write_films(
    folder: Path,
    *,
    seed: int,
    frontal_films: int,
    lateral_films: int,
    size_px: int,
    difficulty: float,
    workers: int | None = None,
) -> tuple[Path, Path]:
    """Write `folder/frontal` and `folder/lateral`, whole or not at all, and return both.

    Each film depends on seed, view and its number alone: neither `workers` (all cores by default)
    nor the count of films changes one. Raises ConfigError for settings that make no film.
    """
    counts = {"frontal": frontal_films, "lateral": lateral_films}
    with staging(folder.parent, folder.name) as part:
        for view in VIEWS:
            _write_frame(part / view, view, seed, difficulty)
        tasks = [(view, number) for view in VIEWS for number in range(counts[view])]
        write = partial(_write_film, part, seed, size_px, difficulty)
        made = list(on_all_cores(write, tasks, workers=workers))
        for view in VIEWS:
            own = [one for (of, _), one in zip(tasks, made, strict=True) if of == view]
            _write_truths(part / view, own)
        try:
            part.replace(folder)
        except OSError:
            if not folder.is_dir():  # Another process may have made the same films meanwhile.
                raise
    return folder / "frontal", folder / "lateral"


def _write_frame(folder: Path, view: View, seed: int, difficulty: float) -> None:
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    content = {"nc": len(_NAMES[view]), "names": _NAMES[view]}
    (folder / "data.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    (folder / "README.dataset.txt").write_text(
        _README.format(view=view, seed=seed, difficulty=difficulty)
    )


def _write_truths(folder: Path, films: Sequence[tuple[str, Film]]) -> None:
    """Write how large the films would be in true shape, and the corners of what is on them."""
    with (folder / SIZES_FILE).open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["film", "width_px", "height_px"])
        for name, film in films:
            side = len(film.pixels)
            table.writerow([name, f"{film.aspect * side:.3f}", side])
    with (folder / CORNERS_FILE).open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["film", "level", *(f"{axis}{n}" for n in range(1, 5) for axis in "xy")])
        for name, film in films:
            for level, corners in film.corners.items():
                table.writerow([name, level, *(f"{value:.6f}" for value in corners.ravel())])


def _write_film(
    folder: Path, seed: int, size_px: int, difficulty: float, task: tuple[View, int]
) -> tuple[str, Film]:
    view, number = task
    cv2.setNumThreads(1)
    film = render_film(view, size_px, (seed, VIEWS.index(view), number), difficulty)
    encoded, data = cv2.imencode(".jpg", film.pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not encoded:
        raise RuntimeError("OpenCV could not encode a JPEG")
    content = data.tobytes()
    stem = f"phantom-{view}-{number:04d}_png.rf.{hashlib.md5(content).hexdigest()}"
    (folder / view / "images" / f"{stem}.jpg").write_bytes(content)
    names = _NAMES[view]
    lines = [
        f"{names.index(level)} " + " ".join(f"{value:.6f}" for value in points.ravel())
        for level, points in film.outlines.items()
    ]
    (folder / view / "labels" / f"{stem}.txt").write_text("\n".join(lines) + "\n")
    return f"{stem}.jpg", replace(film, pixels=film.pixels[:, :0])  # Its rows alone are counted.
