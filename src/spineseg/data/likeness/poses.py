"""The eight flips and quarter turns of a film, of its picture and of its cosine transform."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

Pose = Literal[
    "as it is",
    "flipped left to right",
    "flipped upside down",
    "turned by 180°",
    "transposed",
    "turned by 90° clockwise",
    "turned by 90° counterclockwise",
    "transposed the other way",
]


class Turn(NamedTuple):
    """A pose: transposed first, then columns and rows reversed."""

    pose: Pose
    transposed: bool
    columns: bool
    rows: bool


TURNS = (
    Turn("as it is", False, False, False),
    Turn("flipped left to right", False, True, False),
    Turn("flipped upside down", False, False, True),
    Turn("turned by 180°", False, True, True),
    Turn("transposed", True, False, False),
    Turn("turned by 90° clockwise", True, True, False),
    Turn("turned by 90° counterclockwise", True, False, True),
    Turn("transposed the other way", True, True, True),
)
BACK = np.array([0, 1, 2, 3, 4, 6, 5, 7])
"""The turn that undoes each turn."""


def posed(film: np.ndarray, turn: int) -> np.ndarray:
    """Return a film (rows, columns) in the pose of `TURNS[turn]`."""
    _, transposed, columns, rows = TURNS[turn]
    film = film.T if transposed else film
    film = film[:, ::-1] if columns else film
    return np.ascontiguousarray(film[::-1] if rows else film)


def wave_turns(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how each turn changes the cosine transform of a film, `side` x `side` and flattened.

    Both are (8, side * side): a turned film's transform is `waves[places[turn]] * signs[turn]`,
    since a flip only changes signs and a transposition transposes.
    """
    places = np.arange(side * side).reshape(side, side)
    flips = (-1.0) ** np.arange(side, dtype=np.float32)
    turned, signs = [], []
    for _, transposed, columns, rows in TURNS:
        turned.append((places.T if transposed else places).ravel())
        sign = np.ones((side, side), np.float32)
        sign *= flips if columns else 1
        sign *= flips[:, None] if rows else 1
        signs.append(sign.ravel())
    return np.stack(turned), np.stack(signs)
