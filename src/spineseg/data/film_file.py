"""Decodes a film's file: all of its data are read, and what is damaged is refused."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from spineseg.data.film_source import shown
from spineseg.data.likeness.descriptor import SIDE_PX
from spineseg.errors import DataError

_LEAST_SIDE_PX = 16


def decode(content: bytes, path: Path) -> Image.Image:
    """Return a film, decoded in full. Raises DataError for what is none or is cut short."""
    return _opened(content, path, reduced=False)[1]


def decode_small(content: bytes, path: Path) -> tuple[tuple[int, int], Image.Image]:
    """Return a film's width and height in px, and the film in grey, perhaps reduced.

    All of its data are read, but a large JPEG's pixels are only made at a part of its size
    (at least twice a thumbnail's side), which takes less time. Raises DataError as `decode` does.
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


def check_film(path: Path) -> tuple[int, int]:
    """Return width and height in px of a film that can be decoded in full.

    Raises DataError for a file that is missing, is no image or is cut short.
    """
    try:
        return decode(path.read_bytes(), path).size
    except FileNotFoundError:
        raise DataError(f"{shown(path)}: no such file; name a film") from None
    except IsADirectoryError:
        raise DataError(f"{shown(path)}: is a folder; name a film") from None
