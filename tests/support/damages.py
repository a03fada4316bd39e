"""Damages done to an export in YOLO layout, each by its name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from spineseg.data.yolo import label_path

Damage = Callable[[Path], object]
DAMAGES: dict[str, Damage] = {}


def image(export: Path, number: int = 0) -> Path:
    return sorted((export / "train" / "images").iterdir())[number]


def label(export: Path, number: int = 0) -> Path:
    return label_path(image(export, number))


def named(name: str) -> Callable[[Damage], Damage]:
    def keep(damage: Damage) -> Damage:
        DAMAGES[name] = damage
        return damage

    return keep


def add(name: str, damage: Damage) -> None:
    DAMAGES[name] = damage


# data.yaml
YAML = {
    "empty": "",
    "a tab": "names:\n\t- C1",
    "cut short": "names: [C1, C2",
    "a list": "- C1\n- C2",
    "a text": "C1 C2",
    "no names": "nc: 7",
    "names is a text": "names: C1",
    "names is a number": "names: 7",
    "names is empty": "names: []",
    "names with a gap": "names: {0: C1, 2: C2}",
    "names by text": "names: {a: C1, b: C2}",
    "too few names": "names: [C1, C2]",
    "twice the same": "names: [C1, C1, C1, C1, C1, C1, C1]",
    "foreign names": "names: [femur, skull, C3, C4, C5, C6, C7]",
    "names of nothing": "names: [null, null, C3, C4, C5, C6, C7]",
    "nested names": "names: [[C1], {a: 1}, C3, C4, C5, C6, C7]",
    "python objects": "names: !!python/object/apply:os.system ['touch hacked']",
    "an alias bomb": "a: &a [1,1]\nb: &b [*a,*a]\nnames: *b",
    "deep nesting": "names: " + "[" * 3000,
    "control characters": "names: [C1\x00]",
    "numbers as names": "names: [1, 2, 3, 4, 5, 6, 7]",
}
for _name, _text in YAML.items():
    add(f"yaml: {_name}", lambda e, t=_text: (e / "data.yaml").write_text(t))
add("yaml: missing", lambda e: (e / "data.yaml").unlink())
add("yaml: a folder", lambda e: ((e / "data.yaml").unlink(), (e / "data.yaml").mkdir()))
add("yaml: UTF-16", lambda e: (e / "data.yaml").write_text("names: [C1]", encoding="utf-16"))
add("yaml: binary", lambda e: (e / "data.yaml").write_bytes(bytes(range(256))))
add(
    "yaml: with a byte order mark",
    lambda e: (e / "data.yaml").write_text((e / "data.yaml").read_text(), encoding="utf-8-sig"),
)
add(
    "yaml: Windows line ends",
    lambda e: (e / "data.yaml").write_bytes((e / "data.yaml").read_bytes().replace(b"\n", b"\r\n")),
)
add("yaml: a pipe", lambda e: ((e / "data.yaml").unlink(), os.mkfifo(e / "data.yaml")))

# Label files
LINES = {
    "a word": "0 a b c d e f",
    "a class that is a word": "C1 0.1 0.1 0.2 0.1 0.2 0.2",
    "a class that is a fraction": "0.0 0.1 0.1 0.2 0.1 0.2 0.2",
    "a negative class": "-1 0.1 0.1 0.2 0.1 0.2 0.2",
    "a class out of range": "99 0.1 0.1 0.2 0.1 0.2 0.2",
    "a huge class": "9" * 400 + " 0.1 0.1 0.2 0.1 0.2 0.2",
    "only a class": "0",
    "a box": "0 0.5 0.5 0.2 0.1",
    "two points": "0 0.1 0.1 0.2 0.2",
    "an odd count": "0 0.1 0.1 0.2 0.1 0.2 0.2 0.3",
    "not a number": "0 nan 0.1 0.2 0.1 0.2 0.2",
    "infinity": "0 inf 0.1 0.2 0.1 0.2 0.2",
    "pixels": "0 120 130 180 130 180 160",
    "far outside": "0 1e300 0.1 0.2 0.1 0.2 0.2",
    "a little outside": "0 -0.02 0.1 0.2 0.1 0.2 0.2",
    "one point thrice": "0 0.1 0.1 0.1 0.1 0.1 0.1",
    "points on a line": "0 0.1 0.1 0.2 0.2 0.3 0.3",
    "repeated points": "0 0.1 0.1 0.1 0.1 0.2 0.1 0.2 0.2 0.2 0.2",
    "a bow tie": "0 0.1 0.1 0.3 0.3 0.3 0.1 0.1 0.3",
    "a star": "0 0.5 0.1 0.7 0.9 0.1 0.4 0.9 0.4 0.3 0.9",
    "commas": "0, 0.1, 0.1, 0.2, 0.1, 0.2, 0.2",
    "semicolons": "0;0.1;0.1;0.2;0.1;0.2;0.2",
    "mixed separators": "0\t0.1 , 0.1; 0.2 0.1,0.2 0.2",
    "decimal commas": "0 0,1 0,1 0,2 0,1 0,2 0,2",
    "a comment": "# labelled by hand",
    "a thousand points": "0 "
    + " ".join(
        f"{0.5 + 0.2 * np.cos(a):.5f} {0.5 + 0.2 * np.sin(a):.5f}"
        for a in np.linspace(0, 6.28, 1000)
    ),
}
for _name, _text in LINES.items():
    add(
        f"label: {_name}",
        lambda e, t=_text: label(e).write_text(label(e).read_text() + t + "\n"),
    )
add("label: empty", lambda e: label(e).write_text(""))
add("label: missing", lambda e: label(e).unlink())
add("label: a folder", lambda e: (label(e).unlink(), label(e).mkdir()))
add("label: a pipe", lambda e: (label(e).unlink(), os.mkfifo(label(e))))
add("label: binary", lambda e: label(e).write_bytes(b"\xff\xfe\x00\x01" * 50))
add(
    "label: with a byte order mark",
    lambda e: label(e).write_text(label(e).read_text(), encoding="utf-8-sig"),
)
add("label: Windows line ends", lambda e: label(e).write_text(label(e).read_text(), newline="\r\n"))
add("label: every line twice", lambda e: label(e).write_text(label(e).read_text() * 2))
add("label: of an absent image", lambda e: (label(e).parent / "absent.txt").write_text("0 1 2"))
add("label: all missing", lambda e: shutil.rmtree(e / "train" / "labels"))
add(
    "label: a link to another file",
    lambda e: (label(e).unlink(), label(e).symlink_to("/etc/hostname")),
)
add("label: a link in a circle", lambda e: (label(e).unlink(), label(e).symlink_to(label(e))))

# Images
IMAGES: dict[str, bytes | None] = {"of no bytes": b"", "of text": b"film", "cut short": None}
for _name, _bytes in IMAGES.items():
    add(
        f"image: {_name}",
        lambda e, b=_bytes: image(e).write_bytes(image(e).read_bytes()[:500] if b is None else b),
    )
add("image: missing with its label there", lambda e: image(e).unlink())
add("image: a folder", lambda e: (image(e).unlink(), image(e).with_name("x.jpg").mkdir()))
add("image: a pipe", lambda e: os.mkfifo(image(e).with_name("pipe.jpg")))
add("image: a link out", lambda e: image(e).with_name("out.jpg").symlink_to("/etc/hostname"))
add("image: a link to nowhere", lambda e: image(e).with_name("no.jpg").symlink_to("/nowhere.jpg"))
add(
    "image: a link in a circle",
    lambda e: image(e).with_name("circle.jpg").symlink_to(image(e).with_name("circle.jpg")),
)
add("image: hidden by a Mac", lambda e: image(e).with_name("._a.jpg").write_bytes(b"Mac"))
add("image: of four pixels", lambda e: Image.new("L", (2, 2)).save(image(e)))
add("image: very flat", lambda e: Image.new("L", (900, 17)).save(image(e)))
add(
    "image: in colour with transparency",
    lambda e: Image.new("RGBA", (64, 64)).save(image(e).with_suffix(".png")),
)
add(
    "image: 16 bits",
    lambda e: Image.fromarray(np.full((64, 64), 40000, np.uint16)).save(
        image(e).with_name("deep.png")
    ),
)
add("image: a PNG named JPEG", lambda e: Image.new("L", (64, 64)).save(image(e), format="PNG"))
add("image: noise after its end", lambda e: image(e).write_bytes(image(e).read_bytes() + b"x" * 99))
add("image: another of its name", lambda e: shutil.copy(image(e), image(e).with_suffix(".png")))
add(
    "image: another in capitals",
    lambda e: shutil.copy(image(e), image(e).with_name(image(e).stem.upper() + ".JPG")),
)
add(
    "image: a bomb",
    lambda e: image(e).write_bytes(
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x01\x86\xa0\x00\x01\x86\xa0\x08\x00\x00\x00\x00"
        b"\xb1\xc7\x1d\x0f"
    ),
)
NAMES = {
    "spaces": "film of  the neck .jpg",
    "Cyrillic": "снимок шеи.jpg",
    "a newline": "film\nof the neck.jpg",
    "a tab": "film\tneck.jpg",
    "quotes": "film'\"`.jpg",
    "a shell's signs": "$(touch hacked);|&.jpg",
    "brackets": "film[1]{2}*.jpg",
    "percent signs": "film%s%d%n.jpg",
    "a long name": "f" * 245 + ".jpg",
    "a long name in Cyrillic": "я" * 120 + ".jpg",
    "a leading hyphen": "-rf.jpg",
    "dots": "film..a..b.jpg",
    "a backslash": "film\\..\\neck.jpg",
    "an emoji": "film 🦴.jpg",
    "bytes that are no text": os.fsdecode(b"film\xff\xfe.jpg"),
    "markup": "<script>alert(1)<script>.jpg",
    "a comma": "film,neck.jpg",
    "hash signs": "film#1.jpg",
}
for _name, _file in NAMES.items():

    @named(f"name: {_name}")
    def _rename(export: Path, file: str = _file) -> None:
        old = image(export)
        label_path(old).rename(label_path(old).with_name(Path(file).stem + ".txt"))
        old.rename(old.with_name(file))


# Folders
add("folder: empty", lambda e: (shutil.rmtree(e), e.mkdir()))
add("folder: missing", lambda e: shutil.rmtree(e))
add("folder: a file", lambda e: (shutil.rmtree(e), e.write_text("x")))
add("folder: no training part", lambda e: shutil.rmtree(e / "train"))
add("folder: no validation part", lambda e: shutil.rmtree(e / "valid"))
add(
    "folder: images is a file",
    lambda e: (shutil.rmtree(e / "train" / "images"), (e / "train" / "images").write_text("x")),
)
add(
    "folder: labels is a file",
    lambda e: (shutil.rmtree(e / "train" / "labels"), (e / "train" / "labels").write_text("x")),
)
add("folder: an empty part", lambda e: (e / "test" / "images").mkdir(parents=True))
add(
    "folder: both layouts at once",
    lambda e: shutil.copytree(e / "train" / "images", e / "images" / "train"),
)
add("folder: a folder among the images", lambda e: (e / "train" / "images" / "old").mkdir())
add("folder: a link to itself", lambda e: (e / "test").symlink_to(e))
add("folder: val instead of valid", lambda e: (e / "valid").rename(e / "val"))
