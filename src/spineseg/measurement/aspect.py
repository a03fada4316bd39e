"""How wide a film truly is for its height: many exports were squeezed to a square."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

from spineseg.errors import ConfigError, DataError
from spineseg.files import shown
from spineseg.films import Spacing

_PAIR = re.compile(r"\s*(\d+(?:\.\d+)?)\s*[:x]\s*(\d+(?:\.\d+)?)\s*")
_LEAST, _MOST = 0.1, 10.0
SIZES_FILE = "sizes.csv"
"""Where phantoms keep the true sizes of their films."""
_COLUMNS = ("film", "width_px", "height_px")


def read_aspect(text: str) -> float:
    """Return a true aspect as it was written, `755:2125` or `0.355`: width over height.

    Raises ConfigError for what is neither, or beyond 1:10 and 10:1.
    """
    pair = _PAIR.fullmatch(text)
    try:
        value = float(pair[1]) / float(pair[2]) if pair else float(text)
    except (ValueError, ZeroDivisionError):
        value = 0.0
    if not is_possible(value):
        raise ConfigError(
            f"--aspect {shown(text)}: must be the film's true width over its height, as "
            "755:2125 or 0.355, between 0.1 and 10; 1 is a film that is truly square"
        )
    return value


def read_sizes(path: Path) -> dict[str, float]:
    """Return true aspects by film's name out of a CSV with film, width_px and height_px.

    Raises DataError for another table or a size that is none.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{shown(path)}: cannot be read ({type(error).__name__}); name a CSV with the columns "
            f"{', '.join(_COLUMNS)}"
        ) from None
    found: dict[str, float] = {}
    for number, row in enumerate(rows, 2):
        try:
            name, width, height = row["film"], float(row["width_px"]), float(row["height_px"])
            if not name or min(width, height) <= 0 or not is_possible(width / height):
                raise ValueError
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            raise DataError(
                f"{shown(path)}, line {number}: must have {', '.join(_COLUMNS)}, sizes above 0 and "
                "within 1:10 of each other; mend the line"
            ) from None
        if found.setdefault(name, width / height) != width / height:
            raise DataError(
                f"{shown(path)}, line {number}: {shown(name)} is there twice with two shapes; "
                "remove one"
            )
    if not found:
        raise DataError(f"{shown(path)}: names no film; fill in {', '.join(_COLUMNS)}")
    return found


def is_possible(aspect: float) -> bool:
    """Return whether a film may have such a shape: from 1:10 to 10:1."""
    return _LEAST <= aspect <= _MOST


def known_aspect(
    name: str,
    size_px: tuple[int, int],
    spacing: Spacing | None,
    *,
    sizes: Mapping[str, float],
    pixel_aspect: float | None,
) -> float | None:
    """Return a film's true width over height; None where nobody knows, or it is none of a film.

    `size_px` is height and width; `pixel_aspect` a pixel's width over its height as a DICOM film
    says it, 1 where it says nothing (PS3.3, C.7.6.3.1.7), None for a picture. The film's own
    spacing counts first, then a table, which is to name all others; a picture that is not square
    itself is taken to have square pixels.
    """
    height, width = size_px
    if spacing is not None:
        found = width * spacing.column_mm / (height * spacing.row_mm)
    elif sizes or width == height:
        found = sizes.get(name) or (pixel_aspect if pixel_aspect and not sizes else 0.0)
    else:
        found = width / height * (pixel_aspect or 1.0)
    return found if is_possible(found) else None
