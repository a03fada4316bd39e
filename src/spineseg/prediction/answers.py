"""One film in, its numbered vertebrae out: the one way of `predict`, served models and pages."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path

from spineseg.decoding.decode import DecodedFilm, decode, film_content
from spineseg.errors import DataError
from spineseg.prediction.detections import Prediction
from spineseg.prediction.numbered import numbered_prediction
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.prediction.segmenter import Segmenter

_BASE64 = re.compile(rb"[A-Za-z0-9+/\s]+={0,2}\s*")


def numbered_film(
    segmenter: Segmenter, film: DecodedFilm, name: Path, numbering: NumberingModel
) -> Prediction:
    """Return the numbered detections on a decoded film, which `name` names.

    One film at a time: among others a network rounds otherwise, and now and then a pixel differs.
    """
    return numbered_prediction(segmenter.predict_film(film.pixels(), name), numbering)


def decoded_film(given: object, name: Path) -> DecodedFilm:
    """Return a film from a file's bytes, or from the file that a pathlib.Path is the path of.

    Text opens no file: whoever sends it may be a stranger. Raises DataError, which calls the film
    `name`, for whatever is no film.
    """
    if isinstance(given, Path):
        return decode(film_content(given), given)
    if isinstance(given, str):
        raise DataError(
            f"{name}: is text, not a file's bytes; send bytes (base64 in JSON), or in a local call "
            "a pathlib.Path"
        )
    if not isinstance(given, bytes | bytearray | memoryview):
        what = "missing" if given is None or given != given else f"a {type(given).__name__}"
        raise DataError(f"{name}: is {what}; send the bytes of a PNG, JPEG or DICOM file")
    return decode(_unwrapped(bytes(given)), name)


def _unwrapped(content: bytes) -> bytes:
    """Return a file's bytes; of base64, as some of MLflow's forms hand it on, what it holds."""
    if content and _BASE64.fullmatch(content):  # No film's file is made of letters only.
        try:
            return base64.b64decode(content)
        except binascii.Error:
            return content
    return content
