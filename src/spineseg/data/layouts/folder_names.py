"""What a folder's name tells: films, their labels, masks, or a part."""

from __future__ import annotations

import re
import unicodedata

from spineseg.films import Part

_PART_NAMES: dict[Part, tuple[str, ...]] = {
    "train": ("train", "training"),
    "valid": ("valid", "val", "validation"),
    "test": ("test", "testing"),
}
PART_OF_NAME: dict[str, Part] = {
    name: part for part, names in _PART_NAMES.items() for name in names
}
IMAGE_FOLDERS = {"images", "image", "imgs", "img", "jpegimages"}
LABEL_FOLDERS = {"labels", "label", "annotations", "ann"}
PACKED = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".bz2", ".xz")
NO_LABELS = {"classes.txt", "requirements.txt", "notes.txt", "labels.txt"}  # Plainly.
_MASK_FOLDERS = {"masks", "mask", "segmentationclass", "segmentationobject"}
_OBJ_DATA = re.compile(r"obj_(\w+)_data$", re.IGNORECASE)


def part_named(name: str) -> Part | None:
    """Return the part that a folder or a list is named for, as `train2017` or `Validation`."""
    return PART_OF_NAME.get(re.sub(r"[\d_ -]+$", "", name.casefold()))


def part_in(name: str) -> Part | None:
    """Return the part that one of a name's words says, as in `instances_val2017`."""
    found = {part_named(word) for word in re.split(r"[\W_]+", name)} - {None}
    return found.pop() if len(found) == 1 else None


def key_of(text: str) -> str:
    """Return a name as it is compared: composed (NFC), since a Mac writes it decomposed."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def folded(text: str) -> str:
    """Return a name as it is compared where capitals do not count."""
    return key_of(text).casefold()


def folders_of(name: str) -> list[str]:
    """Return the folders of a path within a source, outermost first."""
    return name.split("/")[:-1]


def is_film_folder(name: str) -> bool:
    """Return whether a folder's path says that films lie in it."""
    return any(part.casefold() in IMAGE_FOLDERS for part in name.split("/"))


def holds_labels(name: str) -> bool:
    """Return whether a file's path says that it is a label, or a picture of one."""
    return any(f.casefold() in LABEL_FOLDERS | _MASK_FOLDERS for f in folders_of(name))


def part_of_path(name: str) -> Part | None:
    """Return the part that a film's path says in a known layout: its first two folders do.

    Known are PART/..., images/PART/... and CVAT's obj_PART_data/...
    """
    folders = folders_of(name)
    if not folders:
        return None
    if folders[0].casefold() in IMAGE_FOLDERS:
        return part_named(folders[1]) if len(folders) > 1 else None
    match = _OBJ_DATA.match(folders[0])
    return part_named(match[1] if match else folders[0])
