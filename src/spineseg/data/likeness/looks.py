"""One look at a candidate pair, by its thumbnails or its films: what worker processes run."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from spineseg.data.likeness.compare import Map, films_agree, thumbs_agree
from spineseg.data.likeness.descriptor import SIDE_PX
from spineseg.data.likeness.poses import BACK, posed
from spineseg.data.likeness.search import Candidate
from spineseg.decoding.decode import decode, film_content


class Look(NamedTuple):
    """A candidate whose thumbnails agree somewhat."""

    agreement: float
    candidate: Candidate
    map: Map


def agreement_of_thumbs(pair: tuple[np.ndarray, np.ndarray, Candidate]) -> tuple[float, Map | None]:
    """Return how well a candidate's thumbnails agree, and the map where that is worth a look."""
    first, second, candidate = pair
    back = posed(second, int(BACK[candidate.turn]))
    return thumbs_agree(first, back, candidate.map, candidate.inverted)


def agreement_of_films(pair: tuple[Path, Path, Look]) -> float:
    """Return how well the films of a candidate agree."""
    first, second, (_, candidate, start) = pair
    return films_agree(_grey(first), _grey(second), candidate.turn, candidate.inverted, start)


def _grey(path: Path) -> np.ndarray:
    """Return a film in grey, reduced as it was when it was described."""
    return np.asarray(decode(film_content(path), path, least_px=2 * SIDE_PX).image.convert("L"))
