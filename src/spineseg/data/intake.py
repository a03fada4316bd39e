"""Takes in one film: read once, hashed, decoded to be sure, its labels cleaned, both copied."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from spineseg.config.data import PhantomSource, Source
from spineseg.data.coco import raw_annotations
from spineseg.data.doubts import Doubt, doubts_of
from spineseg.data.film_source import SourceFilm, shown
from spineseg.data.labels import CleanLabels, Note, RawLabel, clean_labels
from spineseg.data.likeness import SIDE_PX, film_hash
from spineseg.data.yolo import raw_labels
from spineseg.errors import DataError
from spineseg.films import Outline
from spineseg.levels import CLASS_INDEX
from spineseg.workers import on_all_cores

_LEAST_SIDE_PX = 16
_FEW = 300  # Films that are taken in before other processes would have started.


@dataclass(frozen=True)
class Intake:
    """One film to take in, and under which name."""

    film: SourceFilm
    source: Source
    name: str


@dataclass(frozen=True)
class FilmFacts:
    """What one look at a film tells; `problem` says why it cannot be used."""

    name: str
    image_sha256: str = ""
    labels_sha256: str = ""
    image_bytes: int = 0
    labels_bytes: int = 0
    size_px: tuple[int, int] = (0, 0)  # Width and height.
    brightness: float = 0.0  # Mean grey, 0..255.
    levels: tuple[str, ...] = ()
    hashes: bytes = b""  # (8, 4) uint64: data/likeness.py.
    notes: tuple[Note, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    unmapped: tuple[str, ...] = ()
    problem: str | None = None


def take_in(films: Sequence[Intake], folder: Path, *, boxes: str) -> Iterator[FilmFacts]:
    """Copy each film and its cleaned labels into `folder`, and yield what was found, in order.

    Films that cannot be used are not copied. All cores work where there are many films.
    """
    take = partial(take_in_one, folder=folder, boxes=boxes)
    return on_all_cores(take, films, few=_FEW)


def take_in_one(intake: Intake, folder: Path, boxes: str) -> FilmFacts:
    """Take in one film: `folder` gets the image, bytes unchanged, and its labels as text."""
    film = intake.film
    try:
        content = film.image.read_bytes()
        size, grey = decode_small(content, film.image)
        if film.size is not None and film.size != size:
            raise DataError(
                f"{shown(film.image)}: is {size[0]}x{size[1]} px, its labels are for "
                f"{film.size[0]}x{film.size[1]}; export both again"
            )
    except DataError as error:
        return FilmFacts(intake.name, problem=str(error))
    labels = cleaned(intake, boxes)
    text = label_text(labels.outlines).encode()
    (folder / intake.name).write_bytes(content)
    (folder / intake.name).with_suffix(".txt").write_bytes(text)
    levels = tuple(outline.level for outline in labels.outlines)
    corners = [
        np.concatenate([o.points.min(axis=0), o.points.max(axis=0)]) for o in labels.outlines
    ]
    extents = np.array(corners).reshape(-1, 4) * (size * 2)
    return FilmFacts(
        name=intake.name,
        image_sha256=hashlib.sha256(content).hexdigest(),
        labels_sha256=hashlib.sha256(text).hexdigest(),
        image_bytes=len(content),
        labels_bytes=len(text),
        size_px=size,
        brightness=float(np.asarray(grey).mean()),
        levels=levels,
        hashes=film_hash(grey).tobytes(),
        notes=labels.notes,
        doubts=tuple(doubts_of(levels, extents)),
        unmapped=labels.unmapped,
    )


def cleaned(intake: Intake, boxes: str) -> CleanLabels:
    """Return the cleaned labels of one film, by its source's class map."""
    source, raw = intake.source, raw_labels_of(intake.film)
    if isinstance(source, PhantomSource):
        return clean_labels(raw)
    return clean_labels(
        raw, class_map=source.class_map, drop_classes=source.drop_classes, boxes=boxes
    )


def raw_labels_of(film: SourceFilm) -> Sequence[RawLabel]:
    """Return the labels of one film as they are written, in whatever layout."""
    if isinstance(film.labels, Path):
        return raw_labels(film.labels, film.names)
    return raw_annotations(film)


def decode(content: bytes, path: Path) -> Image.Image:
    """Return the image, decoded in full. Raises DataError for what is none or is cut short."""
    return _opened(content, path, reduced=False)[1]


def decode_small(content: bytes, path: Path) -> tuple[tuple[int, int], Image.Image]:
    """Return an image's width and height in px, and the image in grey, perhaps reduced.

    All of its data are read, but a large JPEG's pixels are only made at a part of its size
    (at least twice `likeness.SIDE_PX`), which takes less time. Raises DataError as `decode` does.
    """
    size, image = _opened(content, path, reduced=True)
    return size, image if image.mode == "L" else image.convert("L")


def _opened(content: bytes, path: Path, *, reduced: bool) -> tuple[tuple[int, int], Image.Image]:
    try:
        image = Image.open(io.BytesIO(content))
        size = image.size
        if reduced:
            image.draft("L", (2 * SIDE_PX, 2 * SIDE_PX))
        image.load()
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        ImportError,  # Once Ultralytics is loaded, Pillow looks for a decoder that is not there.
        Image.DecompressionBombError,
    ):
        what = "is empty" if not content else "is no image that can be read"
        raise DataError(f"{shown(path)}: {what}; replace or remove it") from None
    if min(size) < _LEAST_SIDE_PX:
        raise DataError(
            f"{shown(path)}: is {size[0]}x{size[1]} px, less than {_LEAST_SIDE_PX}; "
            "replace or remove it"
        )
    return size, image


def check_image(path: Path) -> tuple[int, int]:
    """Return width and height in px of an image file that can be decoded in full.

    Raises DataError for a file that is missing, is no image or is cut short.
    """
    try:
        return decode(path.read_bytes(), path).size
    except FileNotFoundError:
        raise DataError(f"{shown(path)}: no such file; name an image") from None
    except IsADirectoryError:
        raise DataError(f"{shown(path)}: is a folder; name an image") from None


def label_text(outlines: Sequence[Outline]) -> str:
    """Return outlines as a YOLO label file of the 24 classes."""
    return "".join(
        f"{CLASS_INDEX[outline.level]}{' %.6f' * outline.points.size}\n"
        % tuple(outline.points.ravel().tolist())
        for outline in outlines
    )
