"""Reads folders in Roboflow's YOLO segmentation export layout, strictly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from PIL import Image, UnidentifiedImageError

from ..errors import DataError
from ..films import LabelledFilm, Outline
from ..levels import RANK

PARTS = ("train", "valid", "test")
IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"}
_EDGE_TOLERANCE = 0.01  # Outlines drawn at the border leave the image by less than this.


@dataclass(frozen=True)
class Export:
    """One export: its levels by class index, and the images that each part has."""

    folder: Path
    levels: tuple[str, ...]
    images: dict[str, tuple[Path, ...]]  # part -> images, sorted by name


def read_export(folder: Path) -> Export:
    """Return what lies in `folder`; labels and image contents are not read yet.

    Raises DataError where the layout, data.yaml or a class name is not as expected.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; name the one that holds data.yaml")
    levels = _read_levels(folder / "data.yaml")
    images = {
        part: tuple(sorted(_images_in(folder / part / "images")))
        for part in PARTS
        if (folder / part / "images").is_dir()
    }
    if not images.get("train"):
        raise DataError(f"{folder}/train/images: holds no image; an export needs a training part")
    for part in ("valid", "test"):
        if part in images and not images[part]:
            raise DataError(
                f"{folder}/{part}/images: is empty; add images, or remove the folder {part} "
                "to have a part set aside from train"
            )
    return Export(folder, levels, images)


def _images_in(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)


def _read_levels(path: Path) -> tuple[str, ...]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DataError(f"{path}: not found; an export has its class names there") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: cannot be read as YAML ({reason}); export it again") from None
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, dict):
        names = [names[key] for key in sorted(names, key=int)]
    if not isinstance(names, list) or not names:
        raise DataError(f"{path}: has no list `names` of classes; export it again")
    levels = tuple(str(name).strip().upper() for name in names)
    unknown = [str(name) for name, level in zip(names, levels, strict=True) if level not in RANK]
    if unknown:
        raise DataError(
            f"{path}: classes {', '.join(unknown)} are none of the 24 levels C1..C7, T1..T12, "
            "L1..L5; rename or remove them"
        )
    twice = sorted({level for level in levels if levels.count(level) > 1})
    if twice:
        raise DataError(f"{path}: class {', '.join(twice)} is named twice; name each once")
    return levels


def label_path(image: Path) -> Path:
    """Return where the labels of an export's image lie."""
    return image.parent.parent / "labels" / (image.stem + ".txt")


def read_outlines(path: Path, levels: tuple[str, ...]) -> tuple[Outline, ...]:
    """Return the outlines of one label file, clipped to the image; none where it is absent.

    Raises DataError naming file, line and rule for a line that is no outline.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ()
    except UnicodeDecodeError:
        raise DataError(f"{path}: is no text file; export the labels again") from None
    return tuple(
        _read_outline(line.split(), f"{path}:{number}", levels)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    )


def _read_outline(fields: list[str], where: str, levels: tuple[str, ...]) -> Outline:
    try:
        index, values = int(fields[0]), np.array(fields[1:], dtype=float)
    except ValueError:
        raise DataError(f"{where}: holds something else than numbers; mend or remove it") from None
    if not 0 <= index < len(levels):
        raise DataError(
            f"{where}: class {index} is out of range, data.yaml has 0..{len(levels) - 1}; "
            "mend the class or data.yaml"
        )
    if len(values) == 4:
        raise DataError(f"{where}: is a box, not an outline; export as segmentation")
    if len(values) < 6 or len(values) % 2:
        raise DataError(
            f"{where}: has {len(values)} coordinates; an outline has an even number, 6 or more; "
            "mend or remove the line"
        )
    if not np.isfinite(values).all() or (np.abs(values - 0.5) > 0.5 + _EDGE_TOLERANCE).any():
        worst = values[np.argmax(np.abs(values - 0.5))]
        raise DataError(
            f"{where}: coordinate {worst:g} lies outside the image, 0..1; mend or remove the line"
        )
    return Outline(levels[index], np.clip(values, 0, 1).reshape(-1, 2))


def check_image(path: Path) -> tuple[int, int]:
    """Return width and height in pixels of an image that can be decoded in full.

    Raises DataError for a file that is missing, is no image or is cut short.
    """
    try:
        with Image.open(path) as image:
            image.load()
            return image.size
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; name an image") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DataError(f"{path}: is no image that can be read; replace or remove it") from None


def read_films(folder: Path, part: str) -> list[LabelledFilm]:
    """Return one part of an export with its outlines, sorted by name.

    Raises DataError where the export lacks that part or a label is damaged.
    """
    export = read_export(folder)
    if part not in export.images:
        raise DataError(f"{folder}: has no part {part!r}; it has {', '.join(export.images)}")
    return [
        LabelledFilm(image, read_outlines(label_path(image), export.levels))
        for image in export.images[part]
    ]
