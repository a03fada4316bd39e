"""Unusual YOLO and Darknet exports, each with the end that reading it must have."""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from good_ends import End, Films, Lost, Refused, Taken
from laid_out import films, lay, put, rows

from spineseg.levels import CERVICAL

WHOLE = Taken()


@dataclass(frozen=True)
class Case:
    """An export, made in an empty folder, and its end; the place to read where not the folder."""

    make: Callable[[Path], object]
    end: End
    parts: bool = True  # Whether the films have parts.
    place: str = ""
    merge: bool = True

    def films(self) -> Films:
        """Return what all films hold."""
        return films(self.parts)


class Cases(dict[str, Case]):
    """Cases by their names, added one by one; `parts` is that of each unless it says otherwise."""

    def __init__(self, parts: bool = True) -> None:
        super().__init__()
        self._parts = parts

    def add(self, name: str, make: Callable[[Path], object], end: End = WHOLE, **more: Any) -> None:
        """Add a case under a name of its own."""
        assert name not in self
        self[name] = Case(make, end, **{"parts": self._parts, **more})


CASES = Cases()
add = CASES.add
NAMES = "\n".join(CERVICAL)


def laid(image: str, label: str | None, **keys: object) -> Callable[[Path], object]:
    return lambda f: lay(f, image, label, keys=keys)


def without(*stems: str) -> Callable[[Films], object]:
    return lambda wanted: [wanted.pop(stem) for stem in stems]


def bare(*stems: str) -> Callable[[Films], object]:
    return lambda wanted: wanted.update({s: (wanted[s][0], ()) for s in stems})


def all_parts(part: str | None) -> Callable[[Films], object]:
    return lambda wanted: wanted.update({s: (part, lv) for s, (_, lv) in wanted.items()})


def then(first: Callable[[Path], object], *more: Callable[[Path], object]) -> Callable:
    return lambda folder: [step(folder) for step in (first, *more)]


def write(name: str, content: str | bytes) -> Callable[[Path], object]:
    return lambda folder: put(folder / name, content)


def move(old: str, new: str) -> Callable[[Path], object]:
    def do(folder: Path) -> None:
        (folder / new).parent.mkdir(parents=True, exist_ok=True)
        (folder / old).rename(folder / new)

    return do


def remove(*names: str) -> Callable[[Path], object]:
    return lambda folder: [(folder / name).unlink() for name in names]


ROBOFLOW = laid("{part}/images/{stem}.jpg", "{part}/labels/{stem}.txt")
BESIDE = "{part}/{stem}.jpg", "{part}/{stem}.txt"


# Names of folders
add("as Roboflow lays it", ROBOFLOW)
for _part in ("validation", "val", "VALID", "Validation", "val2017", "valid_2"):
    add(
        f"valid is called {_part}",
        then(ROBOFLOW, move("valid", "x"), move("x", _part)),
    )
for _part in ("training", "Train", "TRAIN", "train2017"):
    add(f"train is called {_part}", then(ROBOFLOW, move("train", "x"), move("x", _part)))
for _old, _new in (("valid", "test"), ("valid", "testing"), ("valid", "Test2017")):
    add(
        f"valid is {_new}",
        then(ROBOFLOW, move(_old, _new)),
        Taken(lambda w: w.update({s: ("test", w[s][1]) for s in ("b0", "b1")})),
    )
for _labels in ("label", "Labels", "LABELS"):
    add(
        f"labels in {_labels}", laid("{part}/images/{stem}.jpg", f"{{part}}/{_labels}/{{stem}}.txt")
    )
for _images in ("Images", "imgs", "image"):
    add(f"films in {_images}", laid(f"{{part}}/{_images}/{{stem}}.jpg", "{part}/labels/{stem}.txt"))
add("as Ultralytics lays it", laid("images/{part}/{stem}.jpg", "labels/{part}/{stem}.txt"))
add("COCO's folders", laid("images/{part}2017/{stem}.jpg", "labels/{part}2017/{stem}.txt"))
add("flat", laid("images/{stem}.jpg", "labels/{stem}.txt"), parts=False)
add(
    "folders beneath a part",
    laid("images/{part}/p{stem}/x/{stem}.jpg", "labels/{part}/p{stem}/x/{stem}.txt"),
)
add(
    "folders beneath images",
    laid("{part}/images/{stem}/{stem}.jpg", "{part}/labels/{stem}/{stem}.txt"),
)
add("flat with folders beneath", laid("images/s/{stem}.jpg", "labels/s/{stem}.txt"), parts=False)
add(
    "a folder of batches",
    laid("b{part}/images/{stem}.jpg", "b{part}/labels/{stem}.txt"),
    parts=False,
)

# Names of label files
add("labels .TXT", laid("{part}/images/{stem}.jpg", "{part}/labels/{stem}.TXT"))
add("labels a.jpg.txt", laid("{part}/images/{stem}.jpg", "{part}/labels/{stem}.jpg.txt"))
add("labels in capitals", then(ROBOFLOW, move("train/labels/a0.txt", "train/labels/A0.txt")))


def accented(film: str, label: str) -> Callable[[Path], object]:
    """Name a film and its label é, composed or not."""
    names = [unicodedata.normalize(form, "é") for form in (film, label)]
    return then(
        ROBOFLOW,
        move("train/images/a0.jpg", f"train/images/{names[0]}.jpg"),
        move("train/labels/a0.txt", f"train/labels/{names[1]}.txt"),
    )


def renamed(old: str, new: str) -> Callable[[Films], object]:
    return lambda wanted: wanted.update({new: wanted.pop(old)})


add("a film's name decomposed", accented("NFD", "NFC"), Taken(renamed("a0", "é")))
add("a label's name decomposed", accented("NFC", "NFD"), Taken(renamed("a0", "é")))
add(
    "two labels of one film",
    then(ROBOFLOW, write("train/labels/a0.jpg.txt", rows("a1"))),
    Refused("two label files"),
)
add(
    "a label beside and in its folder",
    then(ROBOFLOW, write("train/images/a0.txt", rows("a1"))),
    Refused("two label files"),
)
add("one label missing", then(ROBOFLOW, remove("train/labels/a0.txt")), Taken(bare("a0")))
add(
    "most labels missing",
    then(ROBOFLOW, remove(*(f"train/labels/a{i}.txt" for i in range(4)))),
    Refused("4 of 6 films have no labels"),
)
add(
    "most labels empty",
    then(ROBOFLOW, *(write(f"train/labels/a{i}.txt", "") for i in range(4))),
    Taken(bare("a0", "a1", "a2", "a3")),
)
add(
    "labels elsewhere",
    laid("{part}/images/{stem}.jpg", "{part}/txt/{stem}.txt"),
    Refused("6 of 6 films have no labels"),
)
add(
    "a label in a folder of its own",
    then(ROBOFLOW, move("train/labels/a0.txt", "old/a0.txt")),
    Lost("text named as a film", bare("a0")),
)

add(
    "a part without labels",
    then(ROBOFLOW, lambda f: shutil.rmtree(f / "valid" / "labels")),
    Refused("2 of 2 films have no labels in the part valid"),
)

add(
    "labels that mirror no folder",
    then(ROBOFLOW, move("train/images/a0.jpg", "train/images/p/a0.jpg")),
    Lost("text named as a film", bare("a0")),
)

# Darknet
add("Darknet, a folder a part", laid(*BESIDE))
add("labels below the films", laid("{part}/{stem}.jpg", "{part}/labels/{stem}.txt"))
add("labels below flat films", laid("{stem}.jpg", "labels/{stem}.txt"), parts=False)
add("Darknet, flat", laid("{stem}.jpg", "{stem}.txt"), parts=False)
add(
    "LabelImg",
    lambda f: (lay(f, "{stem}.jpg", "{stem}.txt", names=None), put(f / "classes.txt", NAMES)),
    parts=False,
)
add(
    "Roboflow's Darknet",
    lambda f: (
        lay(f, *BESIDE, names=None),
        [put(f / part / "_darknet.labels", NAMES) for part in ("train", "valid")],
    ),
)
add(
    "classes.txt among the labels",
    lambda f: (
        lay(f, "images/{stem}.jpg", "labels/{stem}.txt", names=None),
        put(f / "labels" / "classes.txt", NAMES),
    ),
    parts=False,
)


def cvat(folder: Path) -> None:
    """Lay out what CVAT calls YOLO 1.1."""
    lay(folder, "obj_train_data/{stem}.jpg", "obj_train_data/{stem}.txt", names=None)
    put(folder / "obj.names", NAMES)
    put(folder / "obj.data", "classes = 7\ntrain = data/train.txt\nnames = data/obj.names\n")
    lines = [f"data/obj_train_data/{stem}.jpg\n" for stem in films()]
    put(folder / "train.txt", "".join(lines))


add("CVAT's YOLO 1.1", cvat, Taken(all_parts("train")))
add(
    "CVAT's YOLO 1.1 without its list",
    then(cvat, remove("train.txt", "obj.data")),
    Taken(all_parts("train")),
)


def listed_parts(pattern: str, key: str = "{part}.txt", **keys: object) -> Callable[[Path], object]:
    """Lay films as Ultralytics does, with a list a part."""

    def make(folder: Path) -> None:
        named = {k: key.format(part=k) for k in ("train", "val")}
        lay(folder, "images/all/{stem}.jpg", "labels/all/{stem}.txt", keys={**named, **keys})
        for part, start in (("train", "a"), ("val", "b")):
            lines = [
                pattern.format(stem=stem, folder=folder) for stem in films() if stem[0] == start
            ]
            put(folder / f"{part}.txt", "\n".join(lines) + "\n")

    return make


add("lists of films", listed_parts("./images/all/{stem}.jpg"))
add("CVAT's Ultralytics lists", listed_parts("data/images/all/{stem}.jpg", path="."))
add("lists of absolute paths", listed_parts("{folder}/images/all/{stem}.jpg"))
add("lists of another machine", listed_parts("C:\\me\\ds\\images\\all\\{stem}.jpg"))
add(
    "a list names a film that is gone",
    then(
        listed_parts("images/all/{stem}.jpg"), write("train.txt", "images/all/a0.jpg\nnone.jpg\n")
    ),
    Lost("that a list names", without("a1", "a2", "a3")),
)
add(
    "a film in two lists",
    then(listed_parts("images/all/{stem}.jpg"), write("val.txt", "images/all/a0.jpg\n")),
    Refused("is in two parts, train and valid"),
)
add(
    "an empty list",
    then(listed_parts("images/all/{stem}.jpg"), write("val.txt", "\n")),
    Refused("holds no film"),
)
add(
    "a list that is a pipe",
    then(
        listed_parts("x"),
        remove("val.txt"),
        lambda f: os.mkfifo(f / "val.txt"),
        write("train.txt", "images/all/a0.jpg"),
    ),
    Refused("is no file"),
)
add("a path too long", laid("x/{stem}.jpg", None, train="x" * 5000), Refused("is not there"))
add(
    "a film named as litter",
    laid("{part}/images/license_{stem}.jpg", "{part}/labels/license_{stem}.txt"),
    Taken(lambda w: [w.update({f"license_{s}": w.pop(s)}) for s in tuple(w)]),
)
