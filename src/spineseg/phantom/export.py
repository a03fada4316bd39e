"""Writes phantoms as YOLO segmentation exports: a flat folder of films and labels for each view."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import cv2
import yaml

from spineseg.files import staging
from spineseg.levels import CERVICAL, LUMBAR, THORACIC, View
from spineseg.phantom.film import VIEWS, render_film
from spineseg.workers import on_all_cores

_NAMES: dict[View, list[str]] = {
    "frontal": sorted(THORACIC + LUMBAR),
    "lateral": list(CERVICAL),
}
_JPEG_QUALITY = 92
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
        for _ in on_all_cores(write, tasks, workers=workers):
            pass
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


def _write_film(
    folder: Path, seed: int, size_px: int, difficulty: float, task: tuple[View, int]
) -> None:
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
