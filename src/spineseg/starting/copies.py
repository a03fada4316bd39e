"""Films that are in a folder twice: one file under two names, or one picture of two patients."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from spineseg.data.film_source import SourceFilm
from spineseg.data.labels import clean_labels
from spineseg.data.layouts import raw_labels_of
from spineseg.data.merged_labels import label_text
from spineseg.errors import DataError
from spineseg.files import sha256_of
from spineseg.starting.said import Say, said

_ENDS_BYTES = 65_536  # Read of each end first: whole films of one size, as DICOM's, are many bytes.
_MOST_COMPARED = 200  # Pairs whose labels are compared.


class Twice(NamedTuple):
    """One film under two names, by its places among the films."""

    first: int
    second: int
    same_labels: bool | None  # None: not compared, or not both can be read.


def twice(films: Sequence[SourceFilm], say: Say) -> list[Twice]:
    """Return the films whose files are the same, byte for byte, each with the first of its kind.

    Only files of equal size are opened, and whole only those whose ends are equal.
    """
    by_size: dict[int, list[int]] = defaultdict(list)
    for place, film in enumerate(films):
        try:
            by_size[film.path.stat().st_size].append(place)
        except OSError:  # It is told as a film that cannot be read.
            continue
    alike = [place for places in by_size.values() if len(places) > 1 for place in places]
    by_ends: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for place in said(alike, len(alike), "looking for films that are there twice", say):
        ends = _ends(films[place].path)
        if ends is not None:
            by_ends[ends].append(place)
    by_content: dict[str, list[int]] = defaultdict(list)
    likely = [place for places in by_ends.values() if len(places) > 1 for place in places]
    for place in said(likely, len(likely), "comparing films that may be there twice", say):
        by_content[sha256_of(films[place].path)].append(place)
    pairs = [(places[0], other) for places in by_content.values() for other in places[1:]]
    return [
        Twice(one, other, _same_labels(films[one], films[other]) if n < _MOST_COMPARED else None)
        for n, (one, other) in enumerate(sorted(pairs))
    ]


def _ends(path: Path) -> tuple[int, bytes] | None:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_ENDS_BYTES)
            file.seek(max(0, size - _ENDS_BYTES))
            return size, hashlib.sha256(head + file.read(_ENDS_BYTES)).digest()
    except OSError:
        return None


def _same_labels(one: SourceFilm, other: SourceFilm) -> bool | None:
    try:
        texts = [
            label_text(clean_labels(raw_labels_of(film), boxes="rectangle").outlines)
            for film in (one, other)
        ]
    except DataError:
        return None
    return texts[0] == texts[1]
