"""Damages done to an export in YOLO layout, each by its name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from good_ends import End, Films, Lost, Refused, Taken

from spineseg.data.merged_labels import label_path

Damage = Callable[[Path], object]
DAMAGES: dict[str, tuple[Damage, End]] = {}
WHOLE = Taken()
FIRST = "train0000_jpg.rf." + "0" * 32


def image(export: Path, number: int = 0) -> Path:
    return sorted((export / "train" / "images").iterdir())[number]


def label(export: Path, number: int = 0) -> Path:
    return label_path(image(export, number))


def add(name: str, end: End, damage: Damage) -> None:
    DAMAGES[name] = (damage, end)


def with_c1(films: Films) -> None:
    """Let the first film have another C1."""
    films[FIRST] = ("train", ("C1", *films[FIRST][1]))


def without_labels(films: Films) -> None:
    films[FIRST] = ("train", ())


MORE, BARE = Taken(with_c1), Taken(without_labels)
NO_NAMES, NO_YAML = Refused("has no list `names`"), Refused("cannot be read as")
NO_FILE, NO_IMAGE = Refused("is no file"), Refused("is no image that can be read")


# data.yaml
YAML = {
    "empty": (NO_NAMES, ""),
    "a tab": (NO_YAML, "names:\n\t- C1"),
    "cut short": (NO_YAML, "names: [C1, C2"),
    "a list": (NO_NAMES, "- C1\n- C2"),
    "a text": (NO_NAMES, "C1 C2"),
    "no names": (NO_NAMES, "nc: 7"),
    "names is a text": (NO_NAMES, "names: C1"),
    "names is a number": (NO_NAMES, "names: 7"),
    "names is empty": (NO_NAMES, "names: []"),
    "names with a gap": (Refused("without gaps"), "names: {0: C1, 2: C2}"),
    "names by text": (Refused("without gaps"), "names: {a: C1, b: C2}"),
    "too few names": (Refused("class 2 is out of range"), "names: [C1, C2]"),
    "twice the same": (Refused("names 'C1' twice"), "names: [C1, C1, C1, C1, C1, C1, C1]"),
    "foreign names": (Refused("femur, skull"), "names: [femur, skull, C3, C4, C5, C6, C7]"),
    "names of nothing": (Refused("'None' twice"), "names: [null, null, C3, C4, C5, C6, C7]"),
    "nested names": (Refused("none of the 24 levels"), "names: [[C1], {a: 1}, C3, C4, C5, C6, C7]"),
    "python objects": (NO_YAML, "names: !!python/object/apply:os.system ['touch hacked']"),
    "an alias bomb": (Refused("[1, 1]"), "a: &a [1,1]\nb: &b [*a,*a]\nnames: *b"),
    "deep nesting": (NO_YAML, "names: " + "[" * 3000),
    "control characters": (NO_YAML, "names: [C1\x00]"),
    "numbers as names": (Refused("none of the 24 levels"), "names: [1, 2, 3, 4, 5, 6, 7]"),
}
for _name, (_end, _text) in YAML.items():
    add(f"yaml: {_name}", _end, lambda e, t=_text: (e / "data.yaml").write_text(t))
add("yaml: missing", Refused("class names are not found"), lambda e: (e / "data.yaml").unlink())
add(
    "yaml: a folder",
    Refused("class names are not found"),
    lambda e: ((e / "data.yaml").unlink(), (e / "data.yaml").mkdir()),
)
add(
    "yaml: UTF-16",
    NO_YAML,
    lambda e: (e / "data.yaml").write_text("names: [C1]", encoding="utf-16"),
)
add("yaml: binary", NO_YAML, lambda e: (e / "data.yaml").write_bytes(bytes(range(256))))
add(
    "yaml: with a byte order mark",
    WHOLE,
    lambda e: (e / "data.yaml").write_text((e / "data.yaml").read_text(), encoding="utf-8-sig"),
)
add(
    "yaml: Windows line ends",
    WHOLE,
    lambda e: (e / "data.yaml").write_bytes((e / "data.yaml").read_bytes().replace(b"\n", b"\r\n")),
)
add(
    "yaml: a pipe",
    Refused("or no file"),
    lambda e: ((e / "data.yaml").unlink(), os.mkfifo(e / "data.yaml")),
)

# Label files
LINES = {
    "a word": (Refused("something else than numbers"), "0 a b c d e f"),
    "a class that is a word": (
        Refused("something else than numbers"),
        "C1 0.1 0.1 0.2 0.1 0.2 0.2",
    ),
    "a class that is a fraction": (MORE, "0.0 0.1 0.1 0.2 0.1 0.2 0.2"),
    "a negative class": (Refused("class -1"), "-1 0.1 0.1 0.2 0.1 0.2 0.2"),
    "a class out of range": (Refused("class 99"), "99 0.1 0.1 0.2 0.1 0.2 0.2"),
    "a huge class": (Refused("out of range"), "9" * 400 + " 0.1 0.1 0.2 0.1 0.2 0.2"),
    "only a class": (Refused("has 0 coordinates"), "0"),
    "a box": (Refused("is a box"), "0 0.5 0.5 0.2 0.1"),
    "two points": (Refused("is a box"), "0 0.1 0.1 0.2 0.2"),
    "an odd count": (Refused("has 7 coordinates"), "0 0.1 0.1 0.2 0.1 0.2 0.2 0.3"),
    "not a number": (Refused("no number"), "0 nan 0.1 0.2 0.1 0.2 0.2"),
    "infinity": (Refused("no number"), "0 inf 0.1 0.2 0.1 0.2 0.2"),
    "pixels": (Refused("are these pixels"), "0 120 130 180 130 180 160"),
    "far outside": (Refused("outside the film"), "0 1e300 0.1 0.2 0.1 0.2 0.2"),
    "a little outside": (MORE, "0 -0.02 0.1 0.2 0.1 0.2 0.2"),
    "one point thrice": (Refused("encloses nothing"), "0 0.1 0.1 0.1 0.1 0.1 0.1"),
    "points on a line": (Refused("encloses nothing"), "0 0.1 0.1 0.2 0.2 0.3 0.3"),
    "repeated points": (MORE, "0 0.1 0.1 0.1 0.1 0.2 0.1 0.2 0.2 0.2 0.2"),
    "a bow tie": (MORE, "0 0.1 0.1 0.3 0.3 0.3 0.1 0.1 0.3"),
    "a star": (Refused("crosses itself"), "0 0.5 0.1 0.7 0.9 0.1 0.4 0.9 0.4 0.3 0.9"),
    "commas": (MORE, "0, 0.1, 0.1, 0.2, 0.1, 0.2, 0.2"),
    "semicolons": (MORE, "0;0.1;0.1;0.2;0.1;0.2;0.2"),
    "mixed separators": (MORE, "0\t0.1 , 0.1; 0.2 0.1,0.2 0.2"),
    "decimal commas": (Refused("write 0.5, not 0,5"), "0 0,1 0,1 0,2 0,1 0,2 0,2"),
    "a comment": (Refused("something else than numbers"), "# labelled by hand"),
    "a thousand points": (
        MORE,
        "0 "
        + " ".join(
            f"{0.5 + 0.2 * np.cos(a):.5f} {0.5 + 0.2 * np.sin(a):.5f}"
            for a in np.linspace(0, 6.28, 1000)
        ),
    ),
}
for _name, (_end, _text) in LINES.items():
    add(
        f"label: {_name}",
        _end,
        lambda e, t=_text: label(e).write_text(label(e).read_text() + t + "\n"),
    )
add("label: empty", BARE, lambda e: label(e).write_text(""))
add("label: missing", BARE, lambda e: label(e).unlink())
add("label: a folder", NO_FILE, lambda e: (label(e).unlink(), label(e).mkdir()))
add("label: a pipe", NO_FILE, lambda e: (label(e).unlink(), os.mkfifo(label(e))))
add(
    "label: binary",
    Refused("is no text file"),
    lambda e: label(e).write_bytes(b"\xff\xfe\x00\x01" * 50),
)
add(
    "label: with a byte order mark",
    WHOLE,
    lambda e: label(e).write_text(label(e).read_text(), encoding="utf-8-sig"),
)
add(
    "label: Windows line ends",
    WHOLE,
    lambda e: label(e).write_text(label(e).read_text(), newline="\r\n"),
)
add("label: every line twice", WHOLE, lambda e: label(e).write_text(label(e).read_text() * 2))
add(
    "label: of an absent image",
    WHOLE,
    lambda e: (label(e).parent / "absent.txt").write_text("0 1 2"),
)
add(
    "label: all missing",
    Refused("4 of 6 films have no labels"),
    lambda e: shutil.rmtree(e / "train" / "labels"),
)
add(
    "label: a link to another file",
    Refused("something else than numbers"),
    lambda e: (label(e).unlink(), label(e).symlink_to("/etc/hostname")),
)
add(
    "label: a link in a circle",
    NO_FILE,
    lambda e: (label(e).unlink(), label(e).symlink_to(label(e))),
)

# Folders
add("folder: empty", Refused("holds no film"), lambda e: (shutil.rmtree(e), e.mkdir()))
add("folder: missing", Refused("no such folder"), lambda e: shutil.rmtree(e))
add("folder: a file", Refused("is a file"), lambda e: (shutil.rmtree(e), e.write_text("x")))
add(
    "folder: no training part",
    Lost("training part", lambda films: [films.pop(f) for f in [*films] if f[0] == "t"]),
    lambda e: shutil.rmtree(e / "train"),
)
add(
    "folder: no validation part",
    Taken(lambda films: [films.pop(f) for f in [*films] if f[0] == "v"]),
    lambda e: shutil.rmtree(e / "valid"),
)
add(
    "folder: images is a file",
    Refused("holds no film"),
    lambda e: (shutil.rmtree(e / "train" / "images"), (e / "train" / "images").write_text("x")),
)
add(
    "folder: labels is a file",
    Refused("4 of 6 films have no labels"),
    lambda e: (shutil.rmtree(e / "train" / "labels"), (e / "train" / "labels").write_text("x")),
)
add(
    "folder: an empty part",
    Refused("is empty"),
    lambda e: (e / "test" / "images").mkdir(parents=True),
)
add(
    "folder: both layouts at once",
    Taken(told="picture without labels"),
    lambda e: shutil.copytree(e / "train" / "images", e / "images" / "train"),
)
add("folder: a folder among the images", WHOLE, lambda e: (e / "train" / "images" / "old").mkdir())
add(
    "folder: a link to itself", Taken(told="link to a folder"), lambda e: (e / "test").symlink_to(e)
)
add("folder: val instead of valid", WHOLE, lambda e: (e / "valid").rename(e / "val"))
