"""Contact sheets: many labelled films on a page, each with what was found about its labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from spineseg.films import LabelledFilm, Part
from spineseg.report.html import jpeg_uri, write_html
from spineseg.report.marked_film import film_picture, film_words

_FILMS_ON_A_SHEET = 48
_PICTURE_PX = (800, 1000)


class SheetFilm(NamedTuple):
    """One film of a sheet."""

    film: LabelledFilm
    part: Part
    text: str  # What was found; empty for a sound film.
    marked: tuple[int, ...]  # The labels that it is about, by place.


def write_sheets(
    name: str, heading: str, explained: Sequence[str], films: Sequence[SheetFilm], folder: Path
) -> list[Path]:
    """Write `NAME-1.html` and so on into `folder`, 48 films each, and return them."""
    places = range(0, len(films), _FILMS_ON_A_SHEET)
    paths = [folder / f"{name}-{number}.html" for number, _ in enumerate(places, start=1)]
    for number, (path, start) in enumerate(zip(paths, places, strict=True), start=1):
        content = {
            "heading": heading,
            "explained": explained,
            "number": number,
            "sheets": [other.name for other in paths],
            "first": start + 1,
            "all_films": len(films),
            "films": list(_pictures(films[start : start + _FILMS_ON_A_SHEET])),
        }
        write_html("contact_sheet.j2", content, path)
    return paths


def _pictures(films: Sequence[SheetFilm]) -> Iterator[tuple[str, str, str, str, str]]:
    for film, part, text, marked in films:
        drawn = jpeg_uri(film_picture(film, marked, _PICTURE_PX))
        yield film.path.name, part, text, film_words(film, marked), drawn
