"""COCO exports as tools lay them, and what is wrong with some, each with the end it must have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from good_ends import Lost, Refused, Taken
from laid_out import SIDE, coco, films_only, lay, picture, put
from yolo_cases import Cases, bare, then, write

CASES = Cases(parts=False)
add = CASES.add
TRAIN, VALID = "a0 a1 a2 a3", "b0 b1"


def one(
    file: str = "result.json",
    image: str = "images/{stem}.jpg",
    name: str = "{stem}.jpg",
    change: Callable[[dict], object] | None = None,
) -> Callable[[Path], object]:
    """Lay the films out with one COCO file, changed."""

    def make(folder: Path) -> None:
        films_only(folder, image)
        content = coco(name=name)
        if change:
            change(content)
        put(folder / file, json.dumps(content))

    return make


def two(train: str, valid: str, image: str) -> Callable[[Path], object]:
    """Lay the films out with a COCO file a part."""
    return lambda folder: (
        films_only(folder, image),
        put(folder / train, json.dumps(coco(TRAIN))),
        put(folder / valid, json.dumps(coco(VALID))),
    )


def damage(words: str, name: str, change: Callable[[dict], object]) -> None:
    add(name, one(change=change), Refused(words))


def first(key: str, **values: object) -> Callable[[dict], object]:
    return lambda content: content[key][0].update(values)


for _name, _train, _valid, _image in (
    (
        "Roboflow",
        "train/_annotations.coco.json",
        "valid/_annotations.coco.json",
        "{part}/{stem}.jpg",
    ),
    (
        "COCO",
        "annotations/instances_train2017.json",
        "annotations/instances_val2017.json",
        "{part}2017/{stem}.jpg",
    ),
    (
        "COCO in images",
        "annotations/instances_train.json",
        "annotations/instances_val.json",
        "images/{part}/{stem}.jpg",
    ),
    ("a file a part", "train.json", "valid.json", "images/{stem}.jpg"),
    ("a file a part, named long", "my_train_set.json", "my-validation.json", "films/{stem}.jpg"),
    ("a file in each folder", "train/labels.json", "valid/labels.json", "{part}/{stem}.jpg"),
):
    add(f"COCO as {_name}", two(_train, _valid, _image), parts=True)
add("COCO, one file", one())
add("COCO, CVAT's file", one("annotations/instances_default.json"))
add("COCO, films beside", one(image="{stem}.jpg"))
add("COCO, films below", one(image="a/b/{stem}.jpg"))
add("COCO, deep paths", one(image="x/{stem}/{stem}.jpg", name="{stem}/{stem}.jpg"))
add("COCO, paths of another machine", one(name="C:\\films\\{stem}.jpg"))
add("COCO, capitals of another machine", one(name="{stem}.JPG"))
add("COCO's file itself", one(), place="result.json")
add(
    "COCO and another JSON",
    then(one(), write("notes.json", '{"by": "me"}')),
    Taken(told="no COCO file"),
)
add("COCO and a list", then(one(), write("list.json", "[1, 2]")), Taken(told="no COCO file"))
add("COCO and a damaged file", then(one(), write("valid.json", "{")), Refused("as JSON"))
add(
    "COCO and a file without categories",
    then(one(), write("valid.json", '{"images": [], "annotations": []}')),
    Refused("no categories"),
)
add(
    "COCO and films it does not list",
    then(one(), write("images/c.jpg", picture("c"))),
    Taken(told="picture without labels"),
)
add("COCO and a HEIC", then(one(), write("images/c.heic", b"x")), Lost("(.heic) among the films"))
add(
    "COCO and a name twice",
    then(one(name="gone/{stem}.jpg", image="x/{stem}.jpg"), write("y/a0.jpg", picture("c"))),
    Refused("may be"),
)
add(
    "COCO, one without annotation",
    one(change=lambda c: c.update(annotations=[a for a in c["annotations"] if a["image_id"] > 1])),
    Taken(bare("a0")),
)
damage(
    "6 of 6 films have no labels", "COCO, none with annotations", lambda c: c.update(annotations=[])
)
damage(
    "4 of 6 films have no labels",
    "COCO, most without annotation",
    lambda c: c.update(annotations=[a for a in c["annotations"] if a["image_id"] > 4]),
)
add(
    "COCO, an image in two files",
    then(one("a.json"), lambda f: put(f / "b.json", json.dumps(coco(VALID)))),
    Refused("listed in it and in a.json"),
)
damage("two images have one id", "COCO, an id twice", lambda c: c["images"][1].update(id=1))
damage(
    "two categories have one id",
    "COCO, a category's id twice",
    lambda c: c["categories"][1].update(id=0),
)
damage("crowd", "COCO, a crowd", first("annotations", iscrowd=1))
damage(
    "a0.jpg, annotation 1", "COCO, an error names file and film", first("annotations", iscrowd=1)
)
damage("result.json", "COCO, an error names the JSON file", first("annotations", iscrowd=1))
damage(
    "are fractions",
    "COCO, fractions",
    first("annotations", segmentation=[[0.1, 0.1, 0.5, 0.1, 0.5, 0.4]]),
)
damage("is a box", "COCO, a box", first("annotations", segmentation=[], bbox=[4, 4, 20, 8]))
damage("infinity", "COCO, an endless size", first("images", width=float("inf")))
damage("is no film", "COCO, a huge size", first("images", width=10**9))
damage("is no COCO", "COCO, an image that is a list", lambda c: c["images"].append([]))
damage("is no COCO", "COCO, an annotation that is a text", lambda c: c["annotations"].append("x"))


def counts(*runs: int) -> Callable[[dict], object]:
    return first("annotations", segmentation={"size": [SIDE, SIDE], "counts": list(runs)})


def packed(text: str) -> Callable[[dict], object]:
    return first("annotations", segmentation={"size": [SIDE, SIDE], "counts": text})


damage("do not fill the film", "COCO, a mask too short", counts(10, 20, 30))
damage("do not fill the film", "COCO, a packed mask that lacks its end", packed("d50"))
damage("cut short", "COCO, a packed mask cut amid a count", packed("d5o"))
damage("counts hold", "COCO, a packed mask of other letters", packed("d5 0"))
damage("mask is empty", "COCO, an empty mask", counts(SIDE * SIDE))
add("COCO, a whole mask", one(change=counts(SIDE * 10, SIDE * 6, SIDE * SIDE - SIDE * 16)))
add("COCO, noise for a mask", one(change=counts(*[1] * (SIDE * SIDE))), Refused("pieces"))
damage(
    "its box is in fractions",
    "COCO, a box of fractions",
    first("annotations", segmentation=[], bbox=[0.1, 0.1, 0.5, 0.5]),
)
damage(
    "crowd",
    "COCO, a crowd by its mask",
    first("annotations", iscrowd=1, segmentation={"counts": [1]}),
)
damage("an entry lacks 'width'", "COCO, no width", lambda c: c["images"][0].pop("width"))


def beside_yolo(**files: str) -> Callable[[Path], object]:
    """Lay the films out with YOLO labels and a COCO file of what `name` says."""
    return lambda folder: (
        lay(folder, "images/{stem}.jpg", files.get("label", "labels/{stem}.txt")),
        put(folder / "x.coco.json", json.dumps(coco(name=files.get("name", "{stem}.jpg")))),
    )


TWO = "labels of two kinds, coco (x.coco.json) and yolo (labels/"
add("COCO and YOLO", beside_yolo(), Refused(TWO))
add("COCO and YOLO, by whole paths", beside_yolo(name="D:\\x\\{stem}.png"), Refused(TWO))
add("COCO and YOLO, a.jpg.txt", beside_yolo(label="labels/{stem}.jpg.txt"), Refused(TWO))
add(
    "COCO of other films beside YOLO",
    beside_yolo(name="z{stem}.jpg"),
    Lost(".json file, not read"),
)
add(
    "COCO, labels without measure",
    one(change=lambda c: c["annotations"].extend([c["annotations"][0]] * 20_000)),
    Refused("labels on one film"),
)
add(
    "COCO, a part without its file",
    lambda f: (
        films_only(f, "{part}/{stem}.jpg"),
        put(f / "valid" / "_annotations.coco.json", json.dumps(coco(VALID))),
    ),
    Refused("holds films of the part train, and no COCO file names one"),
)
add(
    "COCO's file itself, beside what is not meant",
    then(one(), write("Images/c.heic", b"x"), write("ds/images/a0.png", picture("a0", ".png"))),
    place="result.json",
)
