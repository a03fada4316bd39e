"""Takes in one film: read once, hashed, decoded, its labels cleaned, both put in the dataset."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePath

import numpy as np

from spineseg.config.data import PhantomSource, Source
from spineseg.data.doubts import Doubt, doubts_of
from spineseg.data.film_source import SourceFilm, refuse_other_size
from spineseg.data.labels import CleanLabels, Note, RawLabel, clean_labels
from spineseg.data.layouts import raw_labels_of
from spineseg.data.likeness.descriptor import SIDE_PX, film_hash
from spineseg.data.merged_labels import label_text
from spineseg.data.patients import Whose
from spineseg.decoding.decode import DecodedFilm, as_png, decode, film_content
from spineseg.decoding.dicom import DicomFacts
from spineseg.errors import DataError
from spineseg.files import write_read_only
from spineseg.workers import on_all_cores

_FEW = 300  # Films that are taken in before other processes would have started.


@dataclass(frozen=True)
class Intake:
    """One film to take in, and under which name."""

    film: SourceFilm
    source: Source
    source_number: int  # The source's place among the sources.
    name: str  # In the merged dataset, if the film can stay as it is; else its suffix is `.png`.
    radiograph: str  # That the film was made from, by its place in its source.


@dataclass(frozen=True)
class FilmFacts:
    """What one look at a film tells; `problem` says why it cannot be used."""

    name: str
    film_sha256: str = ""  # Of the file in the merged dataset.
    content_sha256: str = ""  # The same, or, of a converted film, over its pixels.
    conversion: str | None = None  # What was done to a film that could not stay as it was.
    dicom: DicomFacts | None = None
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
    class_names: dict[str, int] = field(default_factory=dict)  # As written -> labels.
    problem: str | None = None


@dataclass(frozen=True)
class GatheredFilm:
    """One film of a merge: where it came from, what was found, and whose it is."""

    intake: Intake
    facts: FilmFacts
    whose: Whose


def take_in(films: Sequence[Intake], folder: Path, *, boxes: str) -> Iterator[FilmFacts]:
    """Copy each film and its cleaned labels into `folder`, and yield what was found, in order.

    Films that cannot be used are not copied. All cores work where there are many films.
    """
    take = partial(_take_in_one, folder=folder, boxes=boxes)
    return on_all_cores(take, films, few=_FEW)


def _take_in_one(intake: Intake, folder: Path, boxes: str) -> FilmFacts:
    """Take in one film: `folder` gets it, its bytes unchanged if it can stay so, and its labels."""
    film = intake.film
    try:
        content = film_content(film.path)
        decoded = decode(content, film.path, least_px=2 * SIDE_PX)
        refuse_other_size(film, decoded.size)
        raw = raw_labels_of(film)
        labels = _cleaned(intake.source, raw, boxes)
        damaged = next((note for note in labels.notes if note.kind == "damaged"), None)
        if damaged is not None and not labels.outlines and not labels.unmapped:
            # The film would pass for one without a vertebra.
            raise DataError(f"{damaged.where}: {damaged.text}")
    except DataError as error:
        return FilmFacts(intake.name, problem=str(error))
    name, content, content_sha256 = _to_write(intake.name, decoded, content)
    text = label_text(labels.outlines).encode()
    write_read_only(folder / name, content)
    write_read_only((folder / name).with_suffix(".txt"), text)
    levels = tuple(outline.level for outline in labels.outlines)
    corners = [
        np.concatenate([o.points.min(axis=0), o.points.max(axis=0)]) for o in labels.outlines
    ]
    extents = np.array(corners).reshape(-1, 4) * (decoded.size * 2)
    grey = decoded.image if decoded.image.mode == "L" else decoded.image.convert("L")
    film_sha256 = hashlib.sha256(content).hexdigest()
    return FilmFacts(
        name=name,
        film_sha256=film_sha256,
        content_sha256=content_sha256 or film_sha256,
        conversion=decoded.conversion,
        dicom=decoded.dicom,
        labels_sha256=hashlib.sha256(text).hexdigest(),
        film_bytes=len(content),
        labels_bytes=len(text),
        size_px=decoded.size,
        brightness=float(np.asarray(grey).mean()),
        levels=levels,
        hashes=film_hash(grey).tobytes(),
        notes=labels.notes,
        doubts=tuple(doubts_of(levels, extents)),
        unmapped=labels.unmapped,
        class_names=dict(Counter(label.name for label in raw if not label.problem)),
    )


def _to_write(name: str, decoded: DecodedFilm, content: bytes) -> tuple[str, bytes, str | None]:
    """Return a film's name and bytes in the dataset, and, if it is converted, its pixels' hash.

    A PNG's bytes differ between builds of zlib, its pixels do not.
    """
    if decoded.conversion is None:
        return name, content, None
    pixels = np.asarray(decoded.image)
    digest = hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()
    return f"{PurePath(name).stem}.png", as_png(decoded.image), digest


def _cleaned(source: Source, raw: Sequence[RawLabel], boxes: str) -> CleanLabels:
    """Return the cleaned labels of one film, by its source's class map."""
    if isinstance(source, PhantomSource):
        return clean_labels(raw)
    return clean_labels(
        raw, class_map=source.class_map, drop_classes=source.drop_classes, boxes=boxes
    )
