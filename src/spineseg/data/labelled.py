"""Reads labelled films for scoring and drawing: any layout, nothing damaged let through."""

from __future__ import annotations

from pathlib import Path

from spineseg.data.film_source import SourceFilm, refuse_other_size
from spineseg.data.labels import clean_labels
from spineseg.data.layouts import raw_labels_of, read_folder
from spineseg.data.manifest import MANIFEST_FILE, load_manifest
from spineseg.data.merged_labels import label_path
from spineseg.decoding.decode import decode, film_content
from spineseg.errors import DataError
from spineseg.files import shown
from spineseg.films import LabelledFilm
from spineseg.levels import CLASS_NAMES


def read_films(place: Path, part: str) -> list[LabelledFilm]:
    """Return the films of one part, or of all (`all`), with their outlines, in order.

    `place` is a folder in YOLO or COCO layout, or a COCO file. Raises DataError where it lacks
    that part, or a label is damaged or of no level.
    """
    source = read_folder(place)
    films = [film for film in source.films if part in (film.part, "all")]
    if not films:
        parts = dict.fromkeys(film.part for film in source.films)
        there = [part or "films in no part" for part in parts]
        raise DataError(
            f"{shown(place)}: has no part {part!r}, it has {', '.join(there)}; choose "
            f"{' or '.join(f'--part {one}' for one in (*filter(None, parts), 'all'))}"
        )
    known = _aspects(place)
    return [_labelled(film, known.get(film.path.name)) for film in films]


def _aspects(place: Path) -> dict[str, float]:
    """Return the true width over height of films by name, where a merged dataset knows it."""
    if not (place / MANIFEST_FILE).is_file():
        return {}
    return {entry.name: entry.aspect for entry in load_manifest(place).entries if entry.aspect}


def read_merged_film(path: Path) -> LabelledFilm:
    """Return one film of a merged dataset with its outlines, its true shape left aside."""
    return _labelled(SourceFilm(path, None, label_path(path), dict(enumerate(CLASS_NAMES))))


def _labelled(film: SourceFilm, aspect: float | None = None) -> LabelledFilm:
    if film.size is not None:
        refuse_other_size(film, decode(film_content(film.path), film.path).size)
    clean = clean_labels(raw_labels_of(film))
    damaged = next((note for note in clean.notes if note.kind == "damaged"), None)
    if damaged is not None:
        raise DataError(f"{damaged.where}: {damaged.text}")
    if clean.unmapped:
        raise DataError(
            f"{shown(film.path)}: classes {', '.join(clean.unmapped)} are none of the 24 levels "
            "C1..C7, T1..T12, L1..L5; rename or remove them"
        )
    return LabelledFilm(film.path, clean.outlines, aspect)
