"""What a level looks like to the model of a column: its scores, its height, where columns end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from spineseg.levels import ANATOMICAL_ORDER, RANK
from spineseg.prediction.numbering.chain import MISS, Ends

_SCORE_FLOOR = 0.004  # What a level's score is at least: the network may be wrong.
_TRUST = 0.35  # Exponent of the scores: neighbours err together, so they count for less than all.
_FREE = 0.05  # Weight of columns that begin and end anywhere, beside those known from training.
_MOST_MISFRAMED = 4.5  # Three standard deviations off: further is no worse.
_FRAMING_TRUST = 2.0
_TRANSITIONAL = 0.05  # Probability of an extra level where it is allowed for.


class States(NamedTuple):
    """The levels that a column may have, in order down it."""

    names: tuple[str, ...]
    steps: np.ndarray  # (from, to) vertebrae that one lies below the other; < 1: not below


def _states(transitional: bool) -> States:
    names = list(ANATOMICAL_ORDER)
    places = [float(RANK[name]) for name in names]
    if transitional:
        at = RANK["L1"]
        names[at:at] = ["T13"]
        places[at:at] = [RANK["T12"] + 0.5]
        names.append("L6")
        places.append(places[-1] + 1)
    position = np.array(places)
    # T13 is one step from T12 and from L1, which without it are one step apart.
    return States(tuple(names), np.ceil(position[None] - position[:, None]).astype(int))


PLAIN, EXTRA = _states(False), _states(True)


def emitted_by(scores: np.ndarray, states: States) -> np.ndarray:
    """Return the likelihood of each body's scores under each state, (bodies, states), at most 1."""
    known = {name: scores[:, rank] for name, rank in RANK.items()}
    known["T13"] = _TRANSITIONAL * np.sqrt(known["T12"] * known["L1"])
    known["L6"] = _TRANSITIONAL * known["L5"]
    columns = np.stack([known[name] for name in states.names], axis=1) + _SCORE_FLOOR
    return (columns / columns.max(axis=1, keepdims=True)) ** _TRUST


def framed_as(
    heights: np.ndarray, framing: Mapping[str, tuple[float, float]], states: States
) -> np.ndarray:
    """Return how well bodies at those heights fit each state, (bodies, states), at most 1.

    Bodies of a film are high or low together, so all of them count as one observation. A film
    that is framed otherwise, or turned, fits badly everywhere; what that can cost is bounded.
    """
    misfit = np.full((len(heights), len(states.names)), _MOST_MISFRAMED)
    for column, name in enumerate(states.names):
        if name in framing:
            mean, sd = framing[name]
            misfit[:, column] = np.minimum(((heights - mean) / sd) ** 2 / 2, _MOST_MISFRAMED)
    if not framing:
        misfit[:] = 0
    return np.exp(-misfit * _FRAMING_TRUST / len(heights))


def ends_of(spans: Mapping[str, float], states: States) -> Ends:
    count = len(states.names)
    weights, first, last = [1.0], [np.full(count, 1 / count)], [np.ones(count)]
    if spans:
        weights = [_FREE]
        for span, share in spans.items():
            top, bottom = (states.names.index(name) for name in span.split("-"))
            above, below = states.steps[top], states.steps[:, bottom]
            weights.append((1 - _FREE) * share)
            first.append(np.where(above >= 0, MISS ** np.maximum(above, 0.0), 0.0))
            last.append(np.where(below >= 0, MISS ** np.maximum(below, 0.0), 0.0))
    return Ends(np.array(weights), np.array(first), np.array(last))
