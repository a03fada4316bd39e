"""The ways in which a film is copied to plant a leak, each with the recall that is asked for.

A way takes a grey film and a source of chance and gives what the copier would have: the picture and
the JPEG quality that it is saved with. Percentages are of the film's side.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

T = Image.Transpose
Change = Callable[[Image.Image, np.random.Generator], Image.Image]


class Way(NamedTuple):
    """One way to copy a film; `mark` is the recall asked for, 0 where it is only reported."""

    name: str
    mark: float
    change: Change
    quality: int = 92


def _plain(change: Callable[[Image.Image], Image.Image]) -> Change:
    return lambda film, rng: change(film)


def _grey(table: Callable[[np.ndarray], np.ndarray]) -> Change:
    greys = np.clip(np.rint(table(np.arange(256.0))), 0, 255).astype(int).tolist()
    return lambda film, rng: film.point(greys)


def cropped(film: Image.Image, rng: np.random.Generator, share: float) -> Image.Image:
    """Cut `share` off every side."""
    dx, dy = round(film.width * share), round(film.height * share)
    return film.crop((dx, dy, film.width - dx, film.height - dy))


def cropped_at_corner(film: Image.Image, rng: np.random.Generator, share: float) -> Image.Image:
    """Cut `share` off one side, or off two that meet."""
    cuts = np.zeros(4)
    sides = [int(rng.integers(4))]
    if rng.random() < 0.5:
        sides.append((sides[0] + 1) % 4)
    cuts[sides] = share
    left, top, right, bottom = np.rint(cuts * (film.size * 2)).astype(int)
    return film.crop((left, top, film.width - right, film.height - bottom))


def rotated(film: Image.Image, rng: np.random.Generator, degrees: float) -> Image.Image:
    """Rotate either way; corners become black."""
    return film.rotate(degrees * rng.choice([-1, 1]), Image.Resampling.BILINEAR)


def bordered(film: Image.Image, rng: np.random.Generator, sides: int = 4) -> Image.Image:
    """Add black borders of 5 to 10 % on all sides, or on two that are opposite."""
    dx, dy = (round(rng.uniform(0.05, 0.1) * side) for side in film.size)
    if sides == 2:
        dx, dy = (dx, 0) if rng.random() < 0.5 else (0, dy)
    return ImageOps.expand(film, (dx, dy, dx, dy), fill=0)


def letterboxed(film: Image.Image, rng: np.random.Generator, fill: int) -> Image.Image:
    """Pad the film on two sides to another aspect: a square if it is none, else 4:3 or 3:4."""
    wide, tall = film.size
    if wide == tall:
        wide, tall = (wide * 4 // 3, tall) if rng.random() < 0.5 else (wide, tall * 4 // 3)
    else:
        wide = tall = max(wide, tall)
    page = Image.new("L", (wide, tall), fill)
    page.paste(film, ((wide - film.width) // 2, (tall - film.height) // 2))
    return page


def equalised(film: Image.Image, rng: np.random.Generator, clip: float, tiles: int) -> Image.Image:
    """Equalise the histogram of each tile, its contrast limited (CLAHE)."""
    clahe = cv2.createCLAHE(clipLimit=clip, tileGridSize=(tiles, tiles))
    return Image.fromarray(clahe.apply(np.asarray(film)))


def lettered(film: Image.Image, rng: np.random.Generator, height: float) -> Image.Image:
    """Burn in three lines of letters and a side marker, `height` of the film's side high."""
    film = film.copy()
    draw = ImageDraw.Draw(film)
    font = ImageFont.load_default(size=max(6, round(height * min(film.size))))
    for text in ("R", "AP STANDING", f"{rng.integers(1e6):06d}", "12.03.2019"):
        x, y = rng.uniform(0.01, 0.75) * film.width, rng.uniform(0.01, 0.92) * film.height
        draw.text((x, y), text, fill=int(rng.choice([0, 255])), font=font)
    return film


def _all(*changes: Change) -> Change:
    def change(film: Image.Image, rng: np.random.Generator) -> Image.Image:
        for one in changes:
            film = one(film, rng)
        return film

    return change


_SAME = _plain(lambda film: film)
_FLIPPED = _plain(lambda film: film.transpose(T.FLIP_LEFT_RIGHT))
_INVERTED = _plain(ImageOps.invert)
_CROP, _CORNER = cropped, cropped_at_corner

WAYS: tuple[Way, ...] = (
    Way("exact copy", 0.9, _SAME, 0),  # Its bytes are copied.
    Way("quality 60", 0.9, _SAME, 60),
    Way("quality 30", 0.9, _SAME, 30),
    Way(
        "resized to 70 %", 0.9, _plain(lambda f: f.resize((f.width * 7 // 10, f.height * 7 // 10)))
    ),
    Way("flipped left to right", 0.9, _FLIPPED),
    Way("flipped upside down", 0.9, _plain(lambda film: film.transpose(T.FLIP_TOP_BOTTOM))),
    Way("turned by 90°", 0.9, _plain(lambda film: film.transpose(T.ROTATE_270))),
    Way("turned by 180°", 0.9, _plain(lambda film: film.transpose(T.ROTATE_180))),
    Way("turned by 270°", 0.9, _plain(lambda film: film.transpose(T.ROTATE_90))),
    Way("brightness +10 %", 0.9, _grey(lambda grey: grey * 1.1)),
    Way("brightness -10 %", 0.9, _grey(lambda grey: grey * 0.9)),
    Way("gamma 0.7", 0.9, _grey(lambda grey: 255 * (grey / 255) ** 0.7)),
    Way("gamma 1.4", 0.9, _grey(lambda grey: 255 * (grey / 255) ** 1.4)),
    Way("inverted", 0.9, _INVERTED),
    Way("cropped by 2 %, all sides", 0.9, partial(_CROP, share=0.02), 85),
    Way("cropped by 2 %, side or corner", 0.9, partial(_CORNER, share=0.02), 85),
    Way("cropped by 5 %, all sides", 0.9, partial(_CROP, share=0.05), 85),
    Way("cropped by 5 %, side or corner", 0.9, partial(_CORNER, share=0.05), 85),
    Way("rotated by 3°", 0.9, partial(rotated, degrees=3)),
    Way("black border, all sides", 0.9, bordered),
    Way("black border, two sides", 0.9, partial(bordered, sides=2)),
    Way("letterbox, black", 0.9, partial(letterboxed, fill=0)),
    Way("letterbox, white", 0.9, partial(letterboxed, fill=255)),
    Way("mild equalisation", 0.9, partial(equalised, clip=1.5, tiles=4)),
    Way("cropped by 8 %, all sides", 0.6, partial(_CROP, share=0.08), 85),
    Way("cropped by 8 %, side or corner", 0.6, partial(_CORNER, share=0.08), 85),
    Way("rotated by 5°", 0.6, partial(rotated, degrees=5)),
    Way("strong equalisation", 0.6, partial(equalised, clip=4.0, tiles=8)),
    Way("letters burned in", 0.6, partial(lettered, height=0.03)),
    Way("large letters burned in", 0.6, partial(lettered, height=0.08)),
    Way("flipped, inverted, border", 0, _all(_FLIPPED, _INVERTED, bordered)),
    Way("cropped by 5 %, quality 60", 0, partial(_CROP, share=0.05), 60),
    Way(
        "rotated by 3°, equalised, cropped",
        0,
        _all(
            partial(rotated, degrees=3),
            partial(equalised, clip=2.0, tiles=8),
            partial(_CROP, share=0.03),
        ),
    ),
)
