"""The strip below a picture: legible, whole, and over nothing of it."""

from __future__ import annotations

import numpy as np
import pytest

from spineseg.overlay import letters
from spineseg.strip import PLAIN, WARNING, _broken, with_strip

LINES = [("Not a medical device: for research only. " * 3, WARNING), ("By a-model " * 6, PLAIN)]


@pytest.mark.parametrize("size", [(40, 640), (640, 120), (16, 640), (3000, 2400)])
def test_a_strip_is_added_below_and_its_text_fits(size: tuple[int, int]) -> None:
    height, width = size
    picture = np.full((height, width, 3), 90, np.uint8)
    drawn = with_strip(picture, LINES)
    assert drawn.shape[1] == width and (drawn[:height] == picture).all()
    strip = drawn[height:]
    for colour in (WARNING, PLAIN):
        there = np.argwhere((strip == colour).all(axis=2))
        assert len(there) > 20
        assert there[:, 1].max() < width - 4 and there[:, 0].max() < len(strip) - 4
    assert (strip[:, :4] == strip[0, 0]).all() and (strip[:, -4:] == strip[0, 0]).all()


def test_no_letter_is_lost_where_lines_are_broken() -> None:
    text = "By a-model-with-a-name-that-no-line-can-hold version 3, SHA-256 0123456789ab"
    for width in (30, 90, 400):
        lines = _broken(text, letters(12), width)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert all(letters(12).getlength(line) <= width for line in lines)


def test_letters_grow_with_the_picture() -> None:
    heights = [
        len(with_strip(np.zeros((8, width, 3), np.uint8), [("A word", PLAIN)]))
        for width in (200, 640, 1500, 3000)
    ]
    assert heights == sorted(set(heights))
