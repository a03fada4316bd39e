"""The class names of a YOLO folder: data.yaml, classes.txt, or Darknet's obj.names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from spineseg.data.film_source import Listing
from spineseg.errors import DataError, UnlabelledError
from spineseg.files import shown

YAML_FILES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
_MOST_BYTES = 4_000_000
_MOST_NESTING = 200  # Deeper brackets end YAML's own stack.
_FORMS = "data.yaml, data.yml, classes.txt or obj.names"


def names_files(listing: Listing) -> list[str]:
    """Return the files that name classes: those at the top, else those in the folders below."""
    found = [name for name in listing.files if _names_classes(name)]
    found.sort(key=lambda name: (name.count("/"), not name.lower().endswith(("yaml", "yml")), name))
    top = [name for name in found if "/" not in name]
    below = [name for name in found if name.count("/") < 3 and not _is_yaml(name)]
    return top or _other_yaml(listing) or below


def _other_yaml(listing: Listing) -> list[str]:
    """Return the YAML file at the top that names classes under another name, if there is one."""
    found = [
        name
        for name in listing.files
        if "/" not in name and _is_yaml(name) and name not in listing.odd
        if re.search(r"^names\s*:", _head(listing.path(name)), re.MULTILINE)
    ]
    return found if len(found) == 1 else []


def _head(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode(errors="replace")
    except OSError:
        return ""


def _is_yaml(name: str) -> bool:
    return name.lower().endswith((".yaml", ".yml"))


def _names_classes(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return name in {*YAML_FILES, "classes.txt"} or name.endswith((".names", "darknet.labels"))


def read_names(listing: Listing, chosen: str | None = None) -> tuple[tuple[str, ...], list[str]]:
    """Return the class names in order, and the files that give them; `chosen` alone if given.

    Raises DataError where there are none, or two files that contradict each other, and
    UnlabelledError where there are films and not one file that could label them.
    """
    files = [chosen] if chosen else names_files(listing)
    if not files:
        folder = shown(listing.folder)
        deeper = next((name for name in listing.files if _names_classes(name)), None)
        if deeper:
            inner = shown(listing.path(deeper).parent)
            raise DataError(f"{folder}: holds an export further down; name {inner} instead")
        _refuse_unlabelled(listing)
        raise DataError(
            f"{folder}: its class names are not found; {_FORMS} says them "
            "(`names: [T1, T2, ...]`, or one a line)"
        )
    names = [_read(listing.path(file)) for file in files]
    for file, other in zip(files[1:], names[1:], strict=True):
        if other != names[0]:
            raise DataError(
                f"{shown(listing.path(file))}: names other classes than "
                f"{shown(listing.path(files[0]))}; remove the one that is wrong"
            )
    return names[0], files


def _refuse_unlabelled(listing: Listing) -> None:
    """Raise UnlabelledError for films alone, and DataError for a folder that holds not even one."""
    folder, films = shown(listing.folder), len(listing.films)
    if not films:
        raise DataError(
            f"{folder}: holds no film (PNG, JPEG, TIFF, BMP, WebP or DICOM); name a folder of films"
        )
    if not any(name.lower().endswith((".txt", ".json", ".xml")) for name in listing.files):
        pictures = "1 picture" if films == 1 else f"{films:,} pictures"
        raise UnlabelledError(
            f"{folder}: holds {pictures} and no labels; outline the vertebrae, as in Label Studio, "
            "and export them beside as YOLO segmentation, COCO or JSON (`spineseg predict` marks "
            "films without labels)",
            films,
        )


def _read(path: Path) -> tuple[str, ...]:
    if _is_yaml(path.name):
        names = read_yaml(path).get("names")
    else:
        names = [line.strip() for line in _text(path).splitlines() if line.strip()]
    if isinstance(names, dict):
        names = {int(k) if isinstance(k, str) and k.isdigit() else k: v for k, v in names.items()}
        if sorted(names, key=str) != sorted(range(len(names)), key=str):
            raise DataError(
                f"{shown(path)}: `names` must number the classes 0..{len(names) - 1} without gaps"
            )
        names = [names[index] for index in range(len(names))]
    if not isinstance(names, list) or not names:
        raise DataError(f"{shown(path)}: has no list `names` of classes; export it again")
    found = tuple(str(name).strip() for name in names)
    twice = next((name for name in found if found.count(name) > 1), None)
    if twice is not None:
        raise DataError(
            f"{shown(path)}: names {shown(twice)!r} twice; give each class its own name"
        )
    return found


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the content of a data.yaml, {} where it is no mapping. Raises DataError otherwise.

    Keypoints are refused here: their boxes would be taken for outlines.
    """
    text = _text(path)
    if max(text.count("["), text.count("{")) > _MOST_NESTING:
        raise DataError(f"{shown(path)}: cannot be read as YAML (nested too deep); export it again")
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise DataError(
            f"{shown(path)}: cannot be read as YAML ({reason}); export it again"
        ) from None
    content = content if isinstance(content, dict) else {}
    if "kpt_shape" in content:
        raise DataError(
            f"{shown(path)}: has kpt_shape, so its labels are keypoints (YOLO pose); export "
            "outlines instead (YOLO segmentation)"
        )
    return content


def _text(path: Path) -> str:
    try:
        if not path.is_file():  # A pipe would be waited for.
            raise DataError(f"{shown(path)}: not found, or no file; the class names belong there")
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{shown(path)}: is too large to name classes; export it again")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{shown(path)}: cannot be read as text ({error.reason}); export it again"
        ) from None
    except OSError as error:
        reason = (error.strerror or "no reason given").lower()
        raise DataError(f"{shown(path)}: cannot be read ({reason}); mend its folder") from None
