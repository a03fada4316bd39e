"""Synthetic films in the kinds of file that come in: PNG of 8 and 16 bits, JPEG, TIFF, DICOM."""

from __future__ import annotations

import io
import zlib

import numpy as np
from dicom_files import radiograph, stored
from PIL import Image

from spineseg.phantom.film import render_film

SPACING = {"PixelSpacing": [0.2, 0.1], "ImagerPixelSpacing": [0.25, 0.125]}
"""Of a calibrated film, in mm: between rows, between columns."""


def grey_film(number: int, size_px: int = 224) -> np.ndarray:
    """Return a synthetic film, (height, width) uint8."""
    view = ("frontal", "lateral")[number % 2]
    return np.asarray(Image.fromarray(render_film(view, size_px, number).pixels).convert("L"))


def saved(film: Image.Image, form: str, **options: object) -> bytes:
    """Return a picture as a file's bytes."""
    out = io.BytesIO()
    film.save(out, format=form, **options)
    return out.getvalue()


def png(number: int = 0, size_px: int = 224) -> bytes:
    """Return a synthetic film as a plain PNG."""
    return saved(Image.fromarray(grey_film(number, size_px)), "PNG")


def dicom(number: int = 0, **elements: object) -> bytes:
    """Return a synthetic film as a radiograph of 12 bits."""
    return stored(radiograph(grey_film(number).astype(np.uint16) * 16, **elements))


def mixed_films(count: int = 20) -> list[tuple[str, bytes]]:
    """Return (suffix, bytes) of films of all kinds and several sizes in turn."""
    films = []
    for number in range(count):
        grey = grey_film(number, 200 + 8 * number)
        film = Image.fromarray(grey)
        deep = Image.fromarray(grey.astype(np.uint16) * 201)
        kind = number % 7
        films.append(
            (
                (".png", saved(film, "PNG")),
                (".jpg", saved(film, "JPEG", quality=80)),
                (".png", saved(deep, "PNG")),
                (".dcm", dicom(number, PhotometricInterpretation="MONOCHROME1", **SPACING)),
                (".png", saved(film.convert("RGB"), "PNG")),
                (".tif", saved(film, "TIFF")),
                (".png", saved(film.crop((20, 0, 150, 200)).convert("P"), "PNG")),
            )[kind]
        )
    return films


def bomb() -> bytes:
    """Return a small PNG that says to be 20,000 px square, more than any film."""
    film = bytearray(png(0, 64))
    film[16:24] = (20_000).to_bytes(4, "big") * 2
    film[29:33] = zlib.crc32(film[12:29]).to_bytes(4, "big")
    return bytes(film)
