"""Takes in one film: read once, hashed, decoded to be sure, its labels cleaned, both copied."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from spineseg.config.data import PhantomSource, Source
from spineseg.data.doubts import Doubt, doubts_of
from spineseg.data.film_file import decode_small
from spineseg.data.film_source import SourceFilm, shown
from spineseg.data.labels import CleanLabels, Note, clean_labels
from spineseg.data.layouts import raw_labels_of
from spineseg.data.likeness.descriptor import film_hash
from spineseg.data.yolo import label_text
from spineseg.errors import DataError
from spineseg.workers import on_all_cores

_FEW = 300  # Films that are taken in before other processes would have started.


@dataclass(frozen=True)
class Intake:
    """One film to take in, and under which name."""

    film: SourceFilm
    source: Source
    source_number: int  # The source's place among the sources.
    name: str


@dataclass(frozen=True)
class FilmFacts:
    """What one look at a film tells; `problem` says why it cannot be used."""

    name: str
    film_sha256: str = ""
    labels_sha256: str = ""
    film_bytes: int = 0
    labels_bytes: int = 0
    size_px: tuple[int, int] = (0, 0)  # Width and height.
    brightness: float = 0.0  # Mean grey, 0..255.
    levels: tuple[str, ...] = ()
    hashes: bytes = b""  # The descriptor: data/likeness/.
    notes: tuple[Note, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    unmapped: tuple[str, ...] = ()
    problem: str | None = None


def take_in(films: Sequence[Intake], folder: Path, *, boxes: str) -> Iterator[FilmFacts]:
    """Copy each film and its cleaned labels into `folder`, and yield what was found, in order.

    Films that cannot be used are not copied. All cores work where there are many films.
    """
    take = partial(_take_in_one, folder=folder, boxes=boxes)
    return on_all_cores(take, films, few=_FEW)


def _take_in_one(intake: Intake, folder: Path, boxes: str) -> FilmFacts:
    """Take in one film: `folder` gets it, bytes unchanged, and its labels as text."""
    film = intake.film
    try:
        content = film.path.read_bytes()
        size, grey = decode_small(content, film.path)
        if film.size is not None and film.size != size:
            raise DataError(
                f"{shown(film.path)}: is {size[0]}x{size[1]} px, its labels are for "
                f"{film.size[0]}x{film.size[1]}; export both again"
            )
    except DataError as error:
        return FilmFacts(intake.name, problem=str(error))
    labels = _cleaned(intake, boxes)
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
        film_sha256=hashlib.sha256(content).hexdigest(),
        labels_sha256=hashlib.sha256(text).hexdigest(),
        film_bytes=len(content),
        labels_bytes=len(text),
        size_px=size,
        brightness=float(np.asarray(grey).mean()),
        levels=levels,
        hashes=film_hash(grey).tobytes(),
        notes=labels.notes,
        doubts=tuple(doubts_of(levels, extents)),
        unmapped=labels.unmapped,
    )


def _cleaned(intake: Intake, boxes: str) -> CleanLabels:
    """Return the cleaned labels of one film, by its source's class map."""
    source, raw = intake.source, raw_labels_of(intake.film)
    if isinstance(source, PhantomSource):
        return clean_labels(raw)
    return clean_labels(
        raw, class_map=source.class_map, drop_classes=source.drop_classes, boxes=boxes
    )
