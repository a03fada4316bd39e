"""Six small films, and functions that lay them and their labels out as a tool would."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from good_ends import Films
from PIL import Image

from spineseg.levels import CERVICAL

SIDE = 64
STEMS = {"a0": "train", "a1": "train", "a2": "train", "a3": "train", "b0": "valid", "b1": "valid"}


def levels_of(stem: str) -> tuple[str, ...]:
    """Return the levels of a film: two to four, so that a film with another's labels is found."""
    return CERVICAL[: 2 + list(STEMS).index(stem) % 3]


def films(parts: bool = True) -> Films:
    """Return what all films hold."""
    return {stem: (part if parts else None, levels_of(stem)) for stem, part in STEMS.items()}


@cache
def picture(stem: str, suffix: str = ".jpg") -> bytes:
    """Return a film's bytes: noise of its own."""
    rng = np.random.default_rng(sum(map(ord, stem)))
    out = io.BytesIO()
    image = Image.fromarray(rng.integers(0, 255, (SIDE, SIDE), np.uint8))
    image.save(out, format="PNG" if suffix == ".png" else "JPEG")
    return out.getvalue()


def ring(number: int) -> list[tuple[int, int]]:
    """Return the outline of the body of a number, in px."""
    top = 4 + 8 * number
    return [(10, top), (30, top), (30, top + 6), (10, top + 6)]


def rows(stem: str, first: int = 0) -> str:
    """Return a film's YOLO label file."""
    lines = []
    for number in range(len(levels_of(stem))):
        points = " ".join(f"{x / SIDE:.5f} {y / SIDE:.5f}" for x, y in ring(number))
        lines.append(f"{number + first} {points}\n")
    return "".join(lines)


def put(path: Path, content: str | bytes = "") -> Path:
    """Write a file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def lay(
    folder: Path,
    image: str = "{part}/images/{stem}.jpg",
    label: str | None = "{part}/labels/{stem}.txt",
    keys: dict[str, Any] | None = None,
    names: Any = CERVICAL,
    stems: str = "a0 a1 a2 a3 b0 b1",
) -> Path:
    """Lay films and YOLO labels out by patterns, with a data.yaml of `keys` beside its names."""
    for stem in stems.split():
        part = STEMS[stem]
        put(folder / image.format(part=part, stem=stem), picture(stem))
        if label:
            put(folder / label.format(part=part, stem=stem), rows(stem))
    if names is not None:
        names = list(names) if isinstance(names, tuple) else names
        put(folder / "data.yaml", yaml.safe_dump({**(keys or {}), "names": names}))
    return folder


def films_only(folder: Path, image: str = "images/{stem}.jpg") -> Path:
    """Lay the films out without labels or names."""
    return lay(folder, image, None, names=None)


def labelme(stem: str, **change: object) -> str:
    """Return a film's labelme file."""
    shapes = [
        {"label": level, "points": ring(number), "shape_type": "polygon", "group_id": None}
        for number, level in enumerate(levels_of(stem))
    ]
    content = {
        "version": "5.4.1",
        "flags": {},
        "shapes": shapes,
        "imagePath": f"{stem}.jpg",
        "imageData": None,
        "imageHeight": SIDE,
        "imageWidth": SIDE,
    }
    return json.dumps({**content, **change})


def results(stem: str) -> list[dict[str, Any]]:
    """Return a film's regions as Label Studio has them."""
    return [
        {
            "id": f"r{number}",
            "type": "polygonlabels",
            "from_name": "label",
            "to_name": "image",
            "original_width": SIDE,
            "original_height": SIDE,
            "value": {
                "points": [[100 * x / SIDE, 100 * y / SIDE] for x, y in ring(number)],
                "polygonlabels": [level],
                "closed": True,
            },
        }
        for number, level in enumerate(levels_of(stem))
    ]


def task(stem: str, image: str = "{stem}.jpg", **change: object) -> dict[str, Any]:
    """Return a film's task with one annotation."""
    made = {"id": 5, "was_cancelled": False, "result": results(stem), "updated_at": "2026-01-02"}
    content = {"id": 1, "data": {"image": image.format(stem=stem)}, "annotations": [made]}
    return {**content, **change}


def coco(stems: str = "a0 a1 a2 a3 b0 b1", name: str = "{stem}.jpg") -> dict[str, Any]:
    """Return the films' COCO file."""
    images, annotations = [], []
    for stem in stems.split():
        image = {"id": len(images) + 1, "file_name": name.format(stem=stem)}
        images.append({**image, "width": SIDE, "height": SIDE})
        for number in range(len(levels_of(stem))):
            outline = [float(v) for point in ring(number) for v in point]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": len(images),
                    "category_id": number,
                    "segmentation": [outline],
                    "iscrowd": 0,
                }
            )
    categories = [{"id": number, "name": name} for number, name in enumerate(CERVICAL)]
    return {"images": images, "annotations": annotations, "categories": categories}
