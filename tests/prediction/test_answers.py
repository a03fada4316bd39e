"""What counts as a film's bytes, and what a stranger may not have opened."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from mixed_films import dicom, grey_film, png

from spineseg.errors import DataError
from spineseg.prediction.answers import decoded_film

NAME = Path("film 3")


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview, base64.b64encode, np.bytes_])
def test_bytes_are_a_film_and_so_is_their_base64(wrap: type) -> None:
    film = decoded_film(wrap(png()), NAME)
    assert (film.pixels()[..., 0] == grey_film(0)).all()


def test_dicom_is_known_by_its_bytes() -> None:
    assert decoded_film(dicom(), NAME).conversion == "DICOM by its range"


def test_a_path_object_opens_a_file_and_text_never_does(tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    path.write_bytes(png())
    assert decoded_film(path, NAME).size == (224, 224)
    with pytest.raises(DataError, match="film 3: is text, not a file's bytes; send bytes"):
        decoded_film(str(path), NAME)


@pytest.mark.parametrize("text", ["{path}", "file://{path}", "/etc/passwd", "~/x.png"])
def test_a_path_in_bytes_opens_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "film.png"
    path.write_bytes(png())
    for given in (text.format(path=path).encode(), base64.b64encode(text.encode())):
        with pytest.raises(DataError, match="film 3: is no image that can be read"):
            decoded_film(given, NAME)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "is missing"),
        (float("nan"), "is missing"),
        (7, "is a int"),
        ([1, 2], "is a list"),
        (b"", "is empty"),
        (b"AAAA", "is no image"),
        (b"AAA", "is no image"),
    ],
)
def test_what_is_no_film_is_told_in_one_line(given: object, said: str) -> None:
    with pytest.raises(DataError, match=f"film 3: {said}") as caught:
        decoded_film(given, NAME)
    assert "\n" not in str(caught.value)
