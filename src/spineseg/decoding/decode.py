"""Decodes a film's file, whatever it is: the same pixels for hash, pages, training and serving.

A film is 8-bit grey or RGB, upright, bone bright. Files that every reader decodes to just these
pixels stay as they are; all others are *converted*, and what was done is told in words.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from spineseg.decoding.dicom import DicomFacts, decode_dicom, is_dicom
from spineseg.decoding.pictures import MOST_PIXELS, converted, is_plain, loaded, opened
from spineseg.errors import DataError
from spineseg.files import shown
from spineseg.films import Spacing

_LEAST_SIDE_PX = 16
_HEAD_BYTES = 132  # With DICOM's mark at its end.
_MOST_BYTES = 2 * 1024**3
_PICTURE_PX = (640, 900)  # Of a page: widest, tallest.


@dataclass(frozen=True)
class DecodedFilm:
    """A film as it is to be seen."""

    size: tuple[int, int]  # Width and height in px, upright.
    image: Image.Image  # Mode L or RGB; perhaps reduced, where that was asked for.
    conversion: str | None  # What was done to a file that cannot stay as it is.
    dicom: DicomFacts | None = None

    def pixels(self) -> np.ndarray:
        """Return (height, width, 3) uint8 RGB."""
        return np.asarray(self.image.convert("RGB"))

    @property
    def spacing(self) -> Spacing | None:
        """How far its pixels lie apart, where its file says so."""
        return self.dicom.spacing if self.dicom else None


def film_content(path: Path) -> bytes:
    """Return a film's bytes. Raises DataError for no file, a folder, and a file too large."""
    try:
        if not path.is_file() and path.exists():
            what = "is a folder" if path.is_dir() else "is no file"
            raise DataError(f"{shown(path)}: {what}; name a film")
        if path.stat().st_size > _MOST_BYTES:
            gib = path.stat().st_size / 1024**3
            raise DataError(f"{shown(path)}: has {gib:.1f} GiB, no film has; replace or remove it")
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{shown(path)}: no such file; name a film") from None
    except MemoryError:
        raise DataError(f"{shown(path)}: does not fit in memory; replace or remove it") from None


def decode(content: bytes, path: Path, *, least_px: int | None = None) -> DecodedFilm:
    """Return a film. Raises DataError for what is none, is cut short, too small or too large.

    All of its data are read. With `least_px` a plain JPEG's pixels may be made grey and at a part
    of its size, the shorter side at least that long, which takes less time.
    """
    if is_dicom(content, path):
        image, done, facts = decode_dicom(content, path, MOST_PIXELS)
        _refuse_small(image.size, path)
        return DecodedFilm(image.size, image, done, facts)
    image = opened(content, path)
    if image.format == "PNG":
        loaded(image, path)
    plain, size = is_plain(image, content), image.size
    _refuse_small(size, path)
    if not plain:
        film, what = converted(loaded(image, path), content, path)
        return DecodedFilm(film.size, film, what)
    if least_px is not None:
        image.draft("L", (least_px, least_px))
    return DecodedFilm(size, loaded(image, path), None)


def glance_at_film(path: Path) -> None:
    """Read a film's head only. Raises DataError for what is plainly none; damage may lie deeper."""
    if not path.is_file():
        film_content(path)  # It says why.
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        if not is_dicom(head, path):
            file.seek(0)
            _refuse_small(opened(file, path).size, path)


def _refuse_small(size: tuple[int, int], path: Path) -> None:
    if min(size) < _LEAST_SIDE_PX:
        raise DataError(
            f"{shown(path)}: is {size[0]}x{size[1]} px, less than {_LEAST_SIDE_PX}; "
            "replace or remove it"
        )


def read_film(path: Path) -> np.ndarray:
    """Return a film's pixels, (height, width, 3) uint8 RGB. Raises DataError as `decode` does."""
    return decode(film_content(path), path).pixels()


def as_png(film: Image.Image) -> bytes:
    """Return a film as PNG, without anything that its file said beside its pixels."""
    out = io.BytesIO()
    Image.fromarray(np.asarray(film)).save(out, format="PNG", compress_level=3)
    return out.getvalue()


def reduced_film(path: Path, most_px: tuple[int, int] = _PICTURE_PX) -> np.ndarray:
    """Return a film, (height, width, 3) uint8 RGB, reduced to `most_px` (width, height).

    Raises DataError where it is missing or cannot be read.
    """
    film = read_film(path)
    factor = min(1.0, most_px[0] / film.shape[1], most_px[1] / film.shape[0])
    return cv2.resize(film, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
