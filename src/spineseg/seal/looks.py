"""A film's look in 256 bits, by which a copy of it is known again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from spineseg.data.likeness.descriptor import descriptors_of, film_hash
from spineseg.decoding.decode import read_film
from spineseg.workers import on_all_cores

_FEW = 200  # Looked at before other processes would have started.


def look_of(film: np.ndarray) -> str:
    """Return the look of a film (rows, columns, 3) uint8: 64 hexadecimal digits.

    The signs of its 16 by 16 slowest waves (a DCT of its thumbnail without borders, evened out): a
    perceptual hash after Zauner (2010), four times as long, since spines look alike.
    """
    waves = descriptors_of(film_hash(Image.fromarray(film))[None]).waves[0]
    return np.packbits(waves.ravel() > 0).tobytes().hex()


def looks_of(films: Sequence[Path]) -> list[str]:
    """Return the looks of films. Raises DataError for one that is damaged."""
    return list(on_all_cores(_look, films, few=_FEW, name="film"))


def _look(path: Path) -> str:
    return look_of(read_film(path))
