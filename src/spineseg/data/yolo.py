"""YOLO segmentation layout: Roboflow's, Ultralytics' own, or one flat folder; and its labels."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from spineseg.data.film_source import PART_OF_NAME, FilmSource, SourceFilm, films_in
from spineseg.data.labels import RawLabel
from spineseg.errors import DataError
from spineseg.files import shown
from spineseg.films import PARTS, Outline, Part
from spineseg.levels import CLASS_INDEX

_SEPARATORS = re.compile(r"[\s,;]+")


def is_yolo(folder: Path) -> bool:
    """Return whether `folder` says that it is in YOLO layout."""
    return (folder / "data.yaml").exists() or (folder / "classes.txt").exists()


def read_export(folder: Path) -> FilmSource:
    """Return what lies in `folder`; labels and films themselves are not read yet.

    Known are `PART/images` + `PART/labels` (Roboflow), `images/PART` + `labels/PART`
    (Ultralytics, CVAT) and `images` + `labels` (Label Studio), PART being train, val(id) or test;
    class names come from data.yaml or classes.txt. Raises DataError where it is not so.
    """
    if not folder.is_dir():
        raise DataError(f"{shown(folder)}: no such folder; name the one that holds data.yaml")
    names_file = folder / "data.yaml"
    if not names_file.exists() and (folder / "classes.txt").is_file():
        names_file = folder / "classes.txt"
    names = dict(enumerate(_read_names(names_file)))
    films: list[SourceFilm] = []
    orphans: list[Path] = []
    for part, images in _image_folders(folder):
        found = [SourceFilm(film, part, label_path(film), names) for film in films_in(images)]
        if not found and part is not None:
            raise DataError(
                f"{shown(images)}: is empty; add films, or remove the folder to have a part set "
                "apart from the others"
            )
        films += found
        orphans += _orphans(images, {film.path.stem for film in found})
    if not films:
        raise DataError(
            f"{shown(folder)}: holds no film in train/images, images/train or images; "
            "put them there"
        )
    return FilmSource(folder, tuple(films), (names_file,), tuple(orphans))


def _image_folders(folder: Path) -> list[tuple[Part | None, Path]]:
    """Return each part and its folder of films, in the order train, valid, test."""
    found: list[tuple[Part | None, Path]] = []
    for name, part in PART_OF_NAME.items():
        for images in (folder / name / "images", folder / "images" / name):
            if images.is_dir():
                found.append((part, images))
    if not found and (folder / "images").is_dir():
        found.append((None, folder / "images"))
    return sorted(found, key=lambda pair: PARTS.index(pair[0]) if pair[0] else 0)


def label_path(film: Path) -> Path:
    """Return where the labels of a film lie: the last folder `images` becomes `labels`."""
    folder, name = os.path.split(film)
    head, images, tail = f"{folder}/".rpartition("/images/")
    if images:
        folder = f"{head}/labels/{tail}"
    return Path(folder, Path(name).stem + ".txt")


def _orphans(images: Path, stems: set[str]) -> list[Path]:
    folder = label_path(images / "x").parent
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.glob("*.txt") if path.stem not in stems)


def _read_names(path: Path) -> tuple[str, ...]:
    try:
        if not path.is_file():
            raise FileNotFoundError
        text = path.read_text(encoding="utf-8-sig")
        if path.name == "classes.txt":
            names: Any = [line.strip() for line in text.splitlines() if line.strip()]
        else:
            content = yaml.safe_load(text)
            names = content.get("names") if isinstance(content, dict) else None
    except FileNotFoundError:
        raise DataError(
            f"{shown(path)}: not found; the class names belong there (`names: [T1, T2, ...]`)"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise DataError(
            f"{shown(path)}: cannot be read as YAML ({reason}); export it again"
        ) from None
    if isinstance(names, dict):
        if sorted(names, key=str) != sorted(range(len(names)), key=str):
            raise DataError(
                f"{shown(path)}: `names` must number the classes 0..{len(names) - 1} without gaps"
            )
        names = [names[index] for index in range(len(names))]
    if not isinstance(names, list) or not names:
        raise DataError(f"{shown(path)}: has no list `names` of classes; export it again")
    return tuple(str(name).strip() for name in names)


def raw_labels(path: Path, names: Mapping[int, str]) -> Sequence[RawLabel]:
    """Return the labels of one film as they are written; none where its label file is absent."""
    where = shown(path)
    try:
        if not path.is_file() and os.path.lexists(path):  # A pipe would be waited for.
            return (RawLabel("", where, (), problem="is no file; put the labels there"),)
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ()
    except UnicodeDecodeError:
        return (RawLabel("", where, (), problem="is no text file; export the labels again"),)
    except OSError as error:
        reason = (error.strerror or "no reason given").lower()
        return (RawLabel("", where, (), problem=f"cannot be read ({reason}); mend its folder"),)
    return [
        _raw_label(line, f"{where}:{number}", names)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    ]


def _raw_label(line: str, where: str, names: Mapping[int, str]) -> RawLabel:
    """Return a line as a label: a class index, then x and y of each point, or a box."""

    def wrong(problem: str) -> RawLabel:
        return RawLabel("", where, (), problem=problem)

    if "," in line and "." not in line:
        return wrong("has commas where points are expected; write 0.5, not 0,5")
    plain = "," not in line and ";" not in line
    first, *rest = line.split() if plain else _SEPARATORS.split(line.strip().rstrip(",;"))
    try:
        index, values = int(first), np.array(list(map(float, rest)))
    except (ValueError, OverflowError):
        return wrong("holds something else than numbers; mend or remove it")
    if index not in names:
        return wrong(
            f"class {index} is out of range, the class names are 0..{len(names) - 1}; "
            "mend the class or the names"
        )
    if len(values) == 4:
        x, y, half_width, half_height = values * [1, 1, 0.5, 0.5]
        corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
        ring = np.array([(x + a * half_width, y + b * half_height) for a, b in corners])
        return RawLabel(names[index], where, (ring,), is_box=True)
    if len(values) < 6 or len(values) % 2:
        return wrong(
            f"has {len(values)} coordinates; an outline has an even number, 6 or more; "
            "mend or remove the line"
        )
    return RawLabel(names[index], where, (values.reshape(-1, 2),))


def label_text(outlines: Sequence[Outline]) -> str:
    """Return outlines as a YOLO label file of the 24 classes."""
    return "".join(
        f"{CLASS_INDEX[outline.level]}{' %.6f' * outline.points.size}\n"
        % tuple(outline.points.ravel().tolist())
        for outline in outlines
    )
