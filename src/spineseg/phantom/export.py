"""Writes phantoms as two datasets in the layout of a Roboflow YOLO segmentation export."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import yaml

from spineseg.errors import ConfigError
from spineseg.levels import CERVICAL, LUMBAR, THORACIC
from spineseg.phantom.film import VIEWS, View, render_film
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


def write_datasets(
    folder: Path,
    *,
    seed: int,
    frontal_films: int,
    lateral_films: int,
    size_px: int,
    difficulty: float,
    val_fraction: float,
    test_fraction: float,
    progress: Callable[[int, int], None] | None = None,
    workers: int = 1,
) -> tuple[Path, Path]:
    """Write `folder/frontal` and `folder/lateral`, whole or not at all, and return both.

    Each film depends on seed, view and its number alone: neither `workers` nor the count of
    films changes one. Raises ConfigError where a part would be left without a film.
    """
    counts = {"frontal": frontal_films, "lateral": lateral_films}
    for view, count in counts.items():
        if count - round(count * val_fraction) - round(count * test_fraction) < 1 or (
            round(count * val_fraction) < 1
        ):
            raise ConfigError(
                f"phantom: {count} {view} films cannot be split by val_fraction {val_fraction} and "
                f"test_fraction {test_fraction}; make more films"
            )
    part_folder = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        tasks = []
        for view in VIEWS:
            parts = _parts(seed, counts[view], val_fraction, test_fraction)
            _write_frame(part_folder / view, view, set(parts), seed, difficulty)
            tasks += [(view, number, part) for number, part in enumerate(parts)]
        write = partial(_write_film, part_folder, seed, size_px, difficulty)
        for done, _ in enumerate(on_all_cores(write, tasks, workers=workers), start=1):
            if progress:
                progress(done, len(tasks))
        part_folder.replace(folder)
    finally:
        shutil.rmtree(part_folder, ignore_errors=True)
    return folder / "frontal", folder / "lateral"


def _parts(seed: int, count: int, val_fraction: float, test_fraction: float) -> list[str]:
    """Return the part of each film: a seeded shuffle."""
    valid, test = round(count * val_fraction), round(count * test_fraction)
    parts = ["valid"] * valid + ["test"] * test + ["train"] * (count - valid - test)
    order = np.random.default_rng(np.random.SeedSequence([seed, 9])).permutation(count)
    return [parts[i] for i in order]


def _write_frame(folder: Path, view: View, parts: set[str], seed: int, difficulty: float) -> None:
    for part in parts:
        (folder / part / "images").mkdir(parents=True)
        (folder / part / "labels").mkdir(parents=True)
    content = {
        "train": "../train/images",
        "val": "../valid/images",
        "test": "../test/images",
        "nc": len(_NAMES[view]),
        "names": _NAMES[view],
    }
    (folder / "data.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    (folder / "README.dataset.txt").write_text(
        _README.format(view=view, seed=seed, difficulty=difficulty)
    )


def _write_film(
    folder: Path, seed: int, size_px: int, difficulty: float, task: tuple[View, int, str]
) -> None:
    view, number, part = task
    cv2.setNumThreads(1)
    film = render_film(view, size_px, (seed, VIEWS.index(view), number), difficulty)
    encoded, data = cv2.imencode(".jpg", film.image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not encoded:
        raise RuntimeError("OpenCV could not encode a JPEG")
    content = data.tobytes()
    stem = f"phantom-{view}-{number:04d}_png.rf.{hashlib.md5(content).hexdigest()}"
    (folder / view / part / "images" / f"{stem}.jpg").write_bytes(content)
    names = _NAMES[view]
    lines = [
        f"{names.index(level)} " + " ".join(f"{value:.6f}" for value in points.ravel())
        for level, points in film.outlines.items()
    ]
    (folder / view / part / "labels" / f"{stem}.txt").write_text("\n".join(lines) + "\n")
