"""A small COCO export, and damages done to it, each by its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from spineseg.levels import CERVICAL


def coco(folder: Path) -> dict:
    """Write two films with a label each, and return the COCO file's content."""
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for number in range(6):
        film = Image.fromarray(rng.integers(0, 255, (60, 80), np.uint8)).resize((80, 60))
        film.save(folder / "images" / f"film{number}.jpg")
        images.append({"id": number, "file_name": f"film{number}.jpg", "width": 80, "height": 60})
        ring = [10.0, 10.0, 50.0, 10.0, 50.0, 40.0, 10.0, 40.0]
        annotations.append(
            {"id": number, "image_id": number, "category_id": number, "segmentation": [ring]}
        )
    categories = [{"id": number, "name": CERVICAL[number]} for number in range(6)]
    return {"images": images, "annotations": annotations, "categories": categories}


def change(place: str, key: str, value: object) -> Callable[[dict, Path], object]:
    return lambda content, folder: content[place][0].__setitem__(key, value)


COCO_DAMAGES: dict[str, Callable[[dict, Path], object]] = {
    "no annotations": lambda content, folder: content.pop("annotations"),
    "categories is a map": lambda content, folder: content.update(categories={"0": "C1"}),
    "a category without a name": lambda content, folder: content["categories"][0].pop("name"),
    "an image without a size": lambda content, folder: content["images"][0].pop("width"),
    "an image of no size": change("images", "width", 0),
    "an image of another size": change("images", "width", 90),
    "an image twice": lambda content, folder: content["images"].append(
        content["images"][0] | {"id": 77}
    ),
    "an absent image": change("images", "file_name", "gone.jpg"),
    "a path that climbs": change("images", "file_name", "../../../etc/film0.jpg"),
    "an absolute path": change("images", "file_name", "C:\\films\\film0.jpg"),
    "no file name": change("images", "file_name", None),
    "an annotation of no image": change("annotations", "image_id", 99),
    "an unknown category": change("annotations", "category_id", 99),
    "a foreign category": change("categories", "name", "femur"),
    "a number as category": change("categories", "name", 5),
    "no outline": change("annotations", "segmentation", []),
    "an outline of text": change("annotations", "segmentation", "outline"),
    "an outline of two points": change("annotations", "segmentation", [[1, 2, 3, 4]]),
    "an outline of nothing": change("annotations", "segmentation", [[]]),
    "an outline of null": change("annotations", "segmentation", [[None] * 6]),
    "an outline outside": change("annotations", "segmentation", [[900, 10, 950, 10, 950, 40]]),
    "nested outlines": change("annotations", "segmentation", [[[10, 10], [50, 10], [50, 40]]]),
    "a mask of another size": change(
        "annotations", "segmentation", {"size": [1, 1], "counts": [1]}
    ),
    "a mask of garbage": change("annotations", "segmentation", {"size": [60, 80], "counts": "~~"}),
    "a mask without counts": change("annotations", "segmentation", {"size": [60, 80]}),
    "a mask of negative counts": change(
        "annotations", "segmentation", {"size": [60, 80], "counts": [-5, 4805]}
    ),
    "an empty image": lambda content, folder: (folder / "images" / "film0.jpg").write_bytes(b""),
}
