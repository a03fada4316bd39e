"""The 24 vertebra levels: class order of the merged dataset, anatomical order, regions, colours."""

import re
import unicodedata
from collections.abc import Collection, Sequence
from colorsys import hls_to_rgb
from functools import lru_cache
from typing import Literal

CERVICAL = tuple(f"C{i}" for i in range(1, 8))
THORACIC = tuple(f"T{i}" for i in range(1, 13))
LUMBAR = tuple(f"L{i}" for i in range(1, 6))

ANATOMICAL_ORDER: tuple[str, ...] = CERVICAL + THORACIC + LUMBAR
"""Head to pelvis. Position in this tuple is a level's rank."""

CLASS_NAMES: tuple[str, ...] = tuple(sorted(THORACIC + LUMBAR)) + CERVICAL
"""Class index -> level, in the order of the original work: the frontal set's names
sorted as text, then the lateral set's (`L1 .. L5 T1 T10 T11 T12 T2 .. T9 C1 .. C7`)."""

RANK: dict[str, int] = {level: rank for rank, level in enumerate(ANATOMICAL_ORDER)}
CLASS_INDEX: dict[str, int] = {level: index for index, level in enumerate(CLASS_NAMES)}
CLASS_RANK: tuple[int, ...] = tuple(RANK[level] for level in CLASS_NAMES)
"""Class index -> anatomical rank (0 = C1, 23 = L5)."""

TRANSITIONAL = {"T13": "T12", "L6": "L5"}
"""Levels that some people have beyond the 24 -> the level above. No class, and never labelled."""

View = Literal["frontal", "lateral"]
_WRITTEN = re.compile(r"(?:vertebra[ _-]*)?(C|T|TH|L)[ _-]*0?([1-9][0-9]?)", re.IGNORECASE)
_LONGEST_SPELT = 80
_LEAST_CONTRAST = 3.05  # Of a level's colour on black; a bit above 3, for rounding.
_LOOKALIKES = str.maketrans("СсТтΤτϹϲᴄ‐‑‒–—−", "CcTtTtCcc------")
"""Cyrillic and Greek letters that look like C and T, and what looks like a hyphen."""


@lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """Return a class name in the plain letters that it looks like: fullwidth, Cyrillic, Greek."""
    plain = unicodedata.normalize("NFKC", name.translate(_LOOKALIKES))  # It makes Ϲ a sigma.
    return "".join(c for c in plain if unicodedata.category(c) != "Cf").strip()


@lru_cache(maxsize=4096)
def level_named(name: str) -> str | None:
    """Return the level that a class name says: `T1` for "T1", "t-01" or "Th 1"; else None.

    Letters count as what they look like. "D1" is left to a class map: it may be a dorsal vertebra
    or a disc; so is the Cyrillic "Л1", which looks like no L.
    """
    match = _WRITTEN.fullmatch(plain_name(name))
    if not match:
        return None
    level = match[1][0].upper() + match[2]
    return level if level in RANK else None


def spelt(name: str) -> str:
    """Return a class name in one line, with the code of each letter beyond ASCII: `Л1 (U+041B)`."""
    name = name if len(name) <= _LONGEST_SPELT else f"{name[:_LONGEST_SPELT]}..."
    codes = " ".join(f"U+{ord(c):04X}" for c in dict.fromkeys(name) if not c.isascii())
    line = name if name.isprintable() else name.encode("unicode_escape").decode()
    return f"{line} ({codes})" if codes else line


def view_of(levels: Collection[str]) -> View:
    """Return the view that a film's labels speak for: necks are labelled on lateral films."""
    cervical = sum(level in CERVICAL for level in levels)
    return "lateral" if 2 * cervical > len(levels) else "frontal"


def levels_apart(level: str, other: str) -> int:
    """Return how many levels `other` lies below `level` (negative: above).

    Raises KeyError for a name that is not one of the 24 levels.
    """
    return RANK[other] - RANK[level]


def place(level: str) -> float:
    """Return where a level lies from head to pelvis: its rank; of T13 and L6 a half more."""
    return RANK[TRANSITIONAL[level]] + 0.5 if level in TRANSITIONAL else RANK[level]


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the contrast of two RGB colours, 0..1 each, as WCAG 2.1 defines it: 1 to 21."""
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Sequence[float]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def colour(level: str) -> tuple[int, int, int]:
    """Return the level's RGB colour, 0..255: hue runs down the column, lightness alternates.

    Blue and violet are lightened until they stand at 3:1 or more on a dark film (WCAG 1.4.11).
    The extra levels T13 and L6 are coloured as those above them would go on. Raises KeyError for
    any other name that is not one of the 24 levels.
    """
    rank = RANK[TRANSITIONAL[level]] + 1 if level in TRANSITIONAL else RANK[level]
    lightness = (0.45, 0.62, 0.54)[rank % 3]
    hue = rank / len(ANATOMICAL_ORDER) * 0.85
    red, green, blue = hls_to_rgb(hue, lightness, 0.85)
    while contrast((red, green, blue), (0.0, 0.0, 0.0)) < _LEAST_CONTRAST:
        lightness += 0.01
        red, green, blue = hls_to_rgb(hue, lightness, 0.85)
    return round(red * 255), round(green * 255), round(blue * 255)
