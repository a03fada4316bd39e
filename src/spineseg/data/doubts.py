"""Is a film's numbering plausible? Order along the column, gaps, doubles, strays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from spineseg.column_order import column_order
from spineseg.levels import ANATOMICAL_ORDER, RANK

Oddity = Literal[
    "levels-out-of-order", "level-missing", "level-twice", "outside-column", "two-levels-one-body"
]

_OFF_STEPS = 1.0  # Further than so many usual steps beside the way between its neighbours.
_MOST_LABELS = 60  # With more, levels are there twice anyway, and no order can be told.
_FAR_STEPS = 3.0  # Further than so many usual steps from any neighbour.


class Doubt(NamedTuple):
    """What is odd about a film's labels, and the labels, by position, that it concerns."""

    kind: Oddity
    text: str
    labels: tuple[int, ...]


def doubts_of(levels: Sequence[str], boxes: np.ndarray) -> list[Doubt]:
    """Return what is implausible about one film's labels.

    `boxes` are (labels, 4) left, top, right, bottom in px. The film may be flipped or turned: the
    column's own axis is found from the labels. Of more labels than two films could have, only
    doubles and gaps are told.
    """
    doubts = [
        Doubt("level-twice", f"{level} is there {count} times", _with(levels, level))
        for level, count in Counter(levels).items()
        if count > 1
    ]
    ranks = np.array([RANK[level] for level in levels])
    missing = (
        sorted(set(range(min(ranks), max(ranks))) - set(ranks.tolist())) if len(levels) else []
    )
    if missing:
        names = ", ".join(ANATOMICAL_ORDER[rank] for rank in missing)
        ends = (ANATOMICAL_ORDER[ranks.min()], ANATOMICAL_ORDER[ranks.max()])
        around = [i for i, r in enumerate(ranks) if r + 1 in missing or r - 1 in missing]
        doubts.append(
            Doubt(
                "level-missing", f"{names} missing between {ends[0]} and {ends[1]}", tuple(around)
            )
        )
    if len(levels) > _MOST_LABELS:
        return doubts
    doubts += _shared_bodies(levels, boxes)
    if len(levels) < 3:
        return doubts
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    if _plainly_sound(centres[np.argsort(ranks)], boxes):
        return doubts
    order = column_order(centres)
    doubts += _disorder(levels, ranks[order], order)
    doubts += _strays(levels, boxes, centres)
    return doubts


def _with(levels: Sequence[str], level: str) -> tuple[int, ...]:
    return tuple(i for i, name in enumerate(levels) if name == level)


def _plainly_sound(path: np.ndarray, boxes: np.ndarray) -> bool:
    """Return whether bodies in the order of their levels go straight on, none of them astray.

    Most films are so; for them the order along the column need not be searched for.
    """
    onwards = np.diff(path, axis=0) @ (path[-1] - path[0])
    return bool((onwards > 0).all() and (_strayed(path, _body_px(boxes) / 2) <= 1).all())


def _body_px(boxes: np.ndarray) -> float:
    """Return the side of a usual body: the median over all of them."""
    return _median(np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)))


def _median(values: np.ndarray) -> float:
    """Return the upper median; numpy's own takes most of the time of a film's look."""
    return float(np.partition(values, len(values) // 2)[len(values) // 2])


def _disorder(levels: Sequence[str], ranks: np.ndarray, order: Sequence[int]) -> list[Doubt]:
    """Say which labels break the order: those outside the longest run that keeps it."""
    down, up = _longest_rise(ranks), _longest_rise(ranks[::-1])
    kept, order = (down, order) if len(down) >= len(up) else (up, order[::-1])
    wrong = [order[i] for i in range(len(order)) if i not in kept]
    if not wrong:
        return []
    read = " ".join(levels[i] for i in order)
    return [Doubt("levels-out-of-order", f"down the column: {read}", tuple(sorted(wrong)))]


def _longest_rise(ranks: np.ndarray) -> set[int]:
    """Return the positions of the longest run, gaps allowed, that never falls (n is small)."""
    length, before = [1] * len(ranks), [-1] * len(ranks)
    for i in range(len(ranks)):
        for j in range(i):
            if ranks[j] <= ranks[i] and length[j] + 1 > length[i]:
                length[i], before[i] = length[j] + 1, j
    kept, at = set(), int(np.argmax(length))
    while at >= 0:
        kept.add(at)
        at = before[at]
    return kept


def _strays(levels: Sequence[str], boxes: np.ndarray, centres: np.ndarray) -> list[Doubt]:
    """Name the labels that lie off the way from one neighbour to the other, or far from both.

    The worst goes first, and the others are looked at without it.
    """
    body = _body_px(boxes)
    left, found = list(range(len(levels))), []
    while len(left) > max(3, 2 * len(levels) // 3):
        order = [left[i] for i in column_order(centres[left])]
        strayed = _strayed(centres[order], body / 2)
        worst = int(strayed.argmax())
        if strayed[worst] <= 1:
            break
        found.append(order[worst])
        left.remove(order[worst])
    if not found:
        return []
    names = ", ".join(levels[i] for i in sorted(found))
    return [Doubt("outside-column", f"{names} off the line of the others", tuple(sorted(found)))]


def _strayed(path: np.ndarray, least_step: float) -> np.ndarray:
    """Return how far each body of a path strays, as a multiple of what is usual: (bodies,)."""
    steps = np.hypot(*np.diff(path, axis=0).T)
    usual = max(_median(steps), least_step)
    strayed = np.minimum(np.append(steps, np.inf), np.insert(steps, 0, np.inf)) / _FAR_STEPS
    way, beside = path[2:] - path[:-2], path[1:-1] - path[:-2]
    share = np.clip((way * beside).sum(axis=1) / np.maximum((way**2).sum(axis=1), 1e-9), 0, 1)
    off = np.hypot(*(beside - share[:, None] * way).T)
    strayed[1:-1] = np.maximum(strayed[1:-1], off / _OFF_STEPS)
    return np.asarray(strayed / usual)


def _shared_bodies(levels: Sequence[str], boxes: np.ndarray) -> list[Doubt]:
    """Name labels of different levels whose boxes are nearly the same."""
    sides = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - np.maximum(
        boxes[:, None, :2], boxes[None, :, :2]
    )
    shared = np.prod(np.maximum(sides, 0), axis=2)  # (labels, labels) px²
    area = shared.diagonal()
    same = shared > 0.8 * (area[:, None] + area[None] - shared)
    return [
        Doubt("two-levels-one-body", f"{levels[i]} and {levels[j]} lie on one body", (i, j))
        for i, j in np.argwhere(np.triu(same, 1)).tolist()
        if levels[i] != levels[j]
    ]
