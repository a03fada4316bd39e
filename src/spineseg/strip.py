"""A strip of text below a picture: what it was made with, in letters that fit the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from spineseg.overlay import MARGIN_COLOUR, letters

_LEAST_LETTER_PX, _MOST_LETTER_PX = 12, 44
_LETTERS_IN_WIDTH = 62  # About as many as a line holds before it is broken.
PLAIN, WARNING = (226, 231, 236), (255, 196, 84)
"""Colours of a strip's text; on its ground at 14 and 11 to 1."""


def with_strip(
    picture: np.ndarray, lines: Sequence[tuple[str, tuple[int, int, int]]]
) -> np.ndarray:
    """Return a picture, (height, width, 3) uint8 RGB, with `lines` below it, each in its colour.

    Nothing of the picture is covered. Letters grow with the picture, from 12 to 44 px; a line that
    is too long is broken between words, and within one where it must be.
    """
    width = picture.shape[1]
    size = round(min(max(width / _LETTERS_IN_WIDTH * 1.6, _LEAST_LETTER_PX), _MOST_LETTER_PX))
    font, edge, row = letters(size), max(6, size // 2), round(size * 1.4)
    broken = [
        (part, colour) for text, colour in lines for part in _broken(text, font, width - 2 * edge)
    ]
    strip = Image.new("RGB", (width, row * len(broken) + 2 * edge), MARGIN_COLOUR)
    pen = ImageDraw.Draw(strip)
    for number, (text, colour) in enumerate(broken):
        pen.text((edge, edge + (number + 0.5) * row), text, colour, font, "lm")
    return np.vstack([picture, np.asarray(strip)])


def _broken(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """Return a text in lines that are no wider than `width` px."""
    done: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if font.getlength(longer) <= width:
            line = longer
            continue
        if line:
            done.append(line)
        line = word
        while font.getlength(line) > width and len(line) > 1:
            fits = next(n for n in range(len(line) - 1, 0, -1) if _fits(line[:n], font, width))
            done.append(line[:fits])
            line = line[fits:]
    return [*done, line] if line else done


def _fits(text: str, font: ImageFont.FreeTypeFont, width: float) -> bool:
    return len(text) == 1 or font.getlength(text) <= width
