"""Damages done to the films of an export in YOLO layout, and names of films, each with its end."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
from damages import FIRST, NO_FILE, NO_IMAGE, WHOLE, add, image
from good_ends import Films, Refused, Taken
from PIL import Image

from spineseg.data.merged_labels import label_path

IMAGES: dict[str, bytes | None] = {"of no bytes": b"", "of text": b"film", "cut short": None}
for _name, _bytes in IMAGES.items():
    add(
        f"image: {_name}",
        Refused("is empty") if _bytes == b"" else NO_IMAGE,
        lambda e, b=_bytes: image(e).write_bytes(image(e).read_bytes()[:500] if b is None else b),
    )
add(
    "image: missing with its label there",
    Taken(lambda films: films.pop(FIRST)),
    lambda e: image(e).unlink(),
)
add("image: a folder", NO_FILE, lambda e: (image(e).unlink(), image(e).with_name("x.jpg").mkdir()))
add("image: a pipe", NO_FILE, lambda e: os.mkfifo(image(e).with_name("pipe.jpg")))
add(
    "image: a link out",
    NO_IMAGE,
    lambda e: image(e).with_name("out.jpg").symlink_to("/etc/hostname"),
)
add(
    "image: a link to nowhere",
    NO_FILE,
    lambda e: image(e).with_name("no.jpg").symlink_to("/nowhere.jpg"),
)
add(
    "image: a link in a circle",
    NO_FILE,
    lambda e: image(e).with_name("circle.jpg").symlink_to(image(e).with_name("circle.jpg")),
)
add("image: hidden by a Mac", WHOLE, lambda e: image(e).with_name("._a.jpg").write_bytes(b"Mac"))
add(
    "image: of four pixels",
    Refused("less than 16"),
    lambda e: Image.new("L", (2, 2)).save(image(e)),
)
add("image: very flat", WHOLE, lambda e: Image.new("L", (900, 17)).save(image(e)))
add(
    "image: in colour with transparency",
    Refused("another film has this name"),
    lambda e: Image.new("RGBA", (64, 64)).save(image(e).with_suffix(".png")),
)
add(
    "image: 16 bits",
    Taken(lambda films: films.update(deep=("train", ()))),
    lambda e: Image.fromarray(np.full((64, 64), 40000, np.uint16)).save(
        image(e).with_name("deep.png")
    ),
)
add(
    "image: a PNG named JPEG",
    WHOLE,
    lambda e: Image.new("L", (64, 64)).save(image(e), format="PNG"),
)
add(
    "image: noise after its end",
    WHOLE,
    lambda e: image(e).write_bytes(image(e).read_bytes() + b"x" * 99),
)
add(
    "image: another of its name",
    Refused("another film has this name"),
    lambda e: shutil.copy(image(e), image(e).with_suffix(".png")),
)
add(
    "image: another in capitals",
    Refused("another film has this name"),
    lambda e: shutil.copy(image(e), image(e).with_name(image(e).stem.upper() + ".JPG")),
)
add(
    "image: a bomb",
    NO_IMAGE,
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


def rename(export: Path, file: str) -> None:
    old = image(export)
    label_path(old).rename(label_path(old).with_name(Path(file).stem + ".txt"))
    old.rename(old.with_name(file))


def renamed(films: Films, file: str) -> None:
    """Let the first film have the name that the merge gives it."""
    films[Path(file).stem] = films.pop(FIRST)


for _name, _file in NAMES.items():
    add(
        f"name: {_name}",
        Taken(lambda films, file=_file: renamed(films, file)),  # type: ignore[misc]
        lambda e, file=_file: rename(e, file),
    )
