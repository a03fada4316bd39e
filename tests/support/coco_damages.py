"""A small COCO export, and damages done to it, each by its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from good_ends import End, Refused, Taken
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


COCO_DAMAGES: dict[str, tuple[End, Callable[[dict, Path], object]]] = {
    "no annotations": (
        Refused("has no annotations"),
        lambda content, folder: content.pop("annotations"),
    ),
    "categories is a map": (
        Refused("is no COCO"),
        lambda content, folder: content.update(categories={"0": "C1"}),
    ),
    "a category without a name": (
        Refused("'name'"),
        lambda content, folder: content["categories"][0].pop("name"),
    ),
    "an image without a size": (
        Refused("'width'"),
        lambda content, folder: content["images"][0].pop("width"),
    ),
    "an image of no size": (Refused("0x60 px"), change("images", "width", 0)),
    "an image of another size": (
        Refused("its labels are for 90x60"),
        change("images", "width", 90),
    ),
    "an image twice": (
        Refused("listed in it twice"),
        lambda content, folder: content["images"].append(content["images"][0] | {"id": 77}),
    ),
    "an absent image": (Refused("is not there"), change("images", "file_name", "gone.jpg")),
    "a path that climbs": (Taken(), change("images", "file_name", "../../../etc/film0.jpg")),
    "an absolute path": (Taken(), change("images", "file_name", "C:\\films\\film0.jpg")),
    "no file name": (Refused("is no image file"), change("images", "file_name", None)),
    "an annotation of no image": (
        Refused("belongs to no image"),
        change("annotations", "image_id", 99),
    ),
    "an unknown category": (
        Refused("category is not in the file"),
        change("annotations", "category_id", 99),
    ),
    "a foreign category": (Refused("femur"), change("categories", "name", "femur")),
    "a number as category": (Refused("classes 5 are none"), change("categories", "name", 5)),
    "no outline": (Refused("lacks 'bbox'"), change("annotations", "segmentation", [])),
    "an outline of text": (
        Refused("cannot be read"),
        change("annotations", "segmentation", "outline"),
    ),
    "an outline of two points": (
        Refused("4 coordinates"),
        change("annotations", "segmentation", [[1, 2, 3, 4]]),
    ),
    "an outline of nothing": (
        Refused("0 coordinates"),
        change("annotations", "segmentation", [[]]),
    ),
    "an outline of null": (
        Refused("no number"),
        change("annotations", "segmentation", [[None] * 6]),
    ),
    "an outline outside": (
        Refused("outside the film"),
        change("annotations", "segmentation", [[900, 10, 950, 10, 950, 40]]),
    ),
    "nested outlines": (
        Taken(),
        change("annotations", "segmentation", [[[10, 10], [50, 10], [50, 40]]]),
    ),
    "a mask of another size": (
        Refused("its mask is 1x1"),
        change("annotations", "segmentation", {"size": [1, 1], "counts": [1]}),
    ),
    "a mask of garbage": (
        Refused("counts hold '~'"),
        change("annotations", "segmentation", {"size": [60, 80], "counts": "~~"}),
    ),
    "a mask without counts": (
        Refused("lacks 'counts'"),
        change("annotations", "segmentation", {"size": [60, 80]}),
    ),
    "a mask of negative counts": (
        Refused("do not fill"),
        change("annotations", "segmentation", {"size": [60, 80], "counts": [-5, 4805]}),
    ),
    "an empty image": (
        Refused("is empty"),
        lambda content, folder: (folder / "images" / "film0.jpg").write_bytes(b""),
    ),
}
