"""Small datasets with planted label errors, and what Label Studio would export of their review."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from spineseg.data.merged_labels import label_path
from spineseg.levels import CLASS_INDEX, CLASS_NAMES, RANK
from spineseg.phantom.film import render_film

SIZE_PX = 224


def phantom_export(folder: Path, *parts: str) -> Path:
    """Write an export of frontal phantoms with their true labels: `film-0.png` in the first part.

    A part may be named several times.
    """
    for part in parts:
        for kind in ("images", "labels"):
            (folder / part / kind).mkdir(parents=True, exist_ok=True)
    for number, part in enumerate(parts):
        film = render_film("frontal", SIZE_PX, number)
        path = folder / part / "images" / f"film-{number}.png"
        Image.fromarray(film.pixels).save(path)
        rows = [
            f"{CLASS_INDEX[level]} " + " ".join(f"{v:.6f}" for v in np.ravel(points).clip(0, 1))
            for level, points in film.outlines.items()
        ]
        label_path(path).write_text("\n".join(rows))
    (folder / "data.yaml").write_text(f"names: {json.dumps(CLASS_NAMES)}\n")
    return folder


def relabelled(
    film: Path, names: dict[str, str | None], classes: tuple[str, ...] = CLASS_NAMES
) -> None:
    """Give the labels of a film other levels; None: the label is taken away.

    `classes` are the names in the export's order.
    """
    rows = []
    for row in label_path(film).read_text().splitlines():
        index, points = row.split(maxsplit=1)
        level = classes[int(index)]
        new = names.get(level, level)
        rows += [f"{classes.index(new)} {points}"] if new else []
    label_path(film).write_text("\n".join(rows))


def one_lower() -> dict[str, str | None]:
    """Return each level of a frontal film as the one below it; L5 has none."""
    below = {rank: level for level, rank in RANK.items()}
    return {level: below.get(rank + 1) for level, rank in RANK.items() if rank >= RANK["T1"]}


def exported(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what Label Studio exports where each task was submitted as it was opened."""
    return [
        {
            "id": number,
            "data": task["data"],
            "annotations": [
                {"id": number, "was_cancelled": False, "result": task["predictions"][0]["result"]}
            ],
        }
        for number, task in enumerate(tasks, start=1)
    ]


def outlines_of(exported_task: dict[str, Any]) -> list[tuple[str, np.ndarray]]:
    """Return the outlines of an exported task: level, and (points, 2) fractions of the film."""
    return [
        (region["value"]["polygonlabels"][0], np.array(region["value"]["points"]) / 100)
        for annotation in exported_task["annotations"]
        for region in annotation["result"]
    ]
