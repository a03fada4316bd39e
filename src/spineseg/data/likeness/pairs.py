"""Tells which of many films show the same picture."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from spineseg.data.likeness.descriptor import descriptors_of
from spineseg.data.likeness.looks import Look, agreement_of_films, agreement_of_thumbs
from spineseg.data.likeness.poses import BACK, TURNS
from spineseg.data.likeness.search import Candidate, candidates
from spineseg.workers import on_all_cores

SURE = 0.95
"""Thumbnails of other films agree by up to 0.90 (docs/data.md); these need no closer look."""
MAYBE = 0.82
"""Of thumbnails: cropped and equalised copies reach 0.88, few other films as much as this."""
SAME = 0.87
"""Of films: other films agree by up to 0.83, copies without large letters by 0.91 and more."""
MOST_LOOKS = 2
"""Films that one film asks to be compared with in detail."""
_FEW_THUMBS, _FEW_FILMS = 500, 60  # Compared before other processes would have started.


class Pair(NamedTuple):
    """Two films that show one picture, and how: for instance "inverted; agreement 0.98"."""

    first: int
    second: int
    how: str


@dataclass
class Costs:
    """How many comparisons a search took, and the seconds of each step."""

    thumbs: int = 0
    films: int = 0
    search_seconds: float = 0.0
    thumbs_seconds: float = 0.0
    films_seconds: float = 0.0


def same_pictures(
    hashes: Sequence[bytes], films: Sequence[Path], costs: Costs | None = None
) -> list[Pair]:
    """Return pairs of films that show one picture, by their `film_hash`es and files.

    Films that show one picture are all joined by pairs, but not each with each: where a picture is
    there twenty times, nineteen pairs or some more are returned. `costs` are filled in.
    """
    costs = costs or Costs()
    pairs, first_of = _equal(hashes)
    unique = np.array(sorted(set(first_of)), dtype=int)
    if len(unique) < 2:
        return pairs
    content = b"".join(hashes[i] for i in unique)
    described = descriptors_of(np.frombuffer(content, np.uint8).reshape(len(unique), -1))
    start = time.perf_counter()
    likely = candidates(described.waves)
    searched = time.perf_counter()
    looks = _looked_at(likely, described.thumbs)
    looked = time.perf_counter()
    doubtful = _doubtful(looks, len(unique))
    found = [look for look in looks if look.agreement >= SURE]
    found += _compared(doubtful, [films[i] for i in unique])
    costs.thumbs, costs.films = len(likely), len(doubtful)
    costs.search_seconds, costs.thumbs_seconds = searched - start, looked - searched
    costs.films_seconds = time.perf_counter() - looked
    return sorted(pairs + [_pair(look, unique) for look in found])


def _equal(hashes: Sequence[bytes]) -> tuple[list[Pair], list[int]]:
    """Return the pairs of equal descriptors, and the first film of each film's descriptor."""
    first_of: dict[bytes, int] = {}
    firsts = [first_of.setdefault(content, i) for i, content in enumerate(hashes)]
    pairs = [
        Pair(first, i, "as it is; agreement 1.00") for i, first in enumerate(firsts) if first < i
    ]
    return pairs, firsts


def _looked_at(found: Sequence[Candidate], thumbs: np.ndarray) -> list[Look]:
    """Return the candidates whose thumbnails agree somewhat."""
    pairs = [(thumbs[c.first], thumbs[c.second], c) for c in found]
    looks = []
    for candidate, (agreement, start) in zip(
        found, on_all_cores(agreement_of_thumbs, pairs, few=_FEW_THUMBS, name="pair"), strict=True
    ):
        if start is not None and agreement >= MAYBE:
            looks.append(Look(agreement, candidate, start))
    return looks


def _doubtful(looks: Sequence[Look], films: int) -> list[Look]:
    """Return what must be compared in detail, the likeliest first; at most two per film.

    A film of which there are many copies is compared more often, but each of them asks but twice.
    Films that are joined already need not be compared.
    """
    from scipy.cluster.hierarchy import DisjointSet  # Here: data that lie merged are not compared.

    joined = DisjointSet(range(films))
    for look in looks:
        if look.agreement >= SURE:
            joined.merge(look.candidate.first, look.candidate.second)
    count: Counter[int] = Counter()
    doubtful = []
    for look in sorted((x for x in looks if x.agreement < SURE), key=lambda x: -x.agreement):
        one, other = look.candidate.first, look.candidate.second
        if not joined.connected(one, other) and min(count[one], count[other]) < MOST_LOOKS:
            doubtful.append(look)
            count.update((one, other))
    return doubtful


def _compared(doubtful: Sequence[Look], films: Sequence[Path]) -> list[Look]:
    """Return those whose films agree in detail, with that agreement."""
    files = [(films[look.candidate.first], films[look.candidate.second], look) for look in doubtful]
    agreements = on_all_cores(agreement_of_films, files, few=_FEW_FILMS, name="pair")
    return [
        look._replace(agreement=agreement)
        for look, agreement in zip(doubtful, agreements, strict=True)
        if agreement >= SAME
    ]


def _pair(look: Look, films: np.ndarray) -> Pair:
    """Return a pair, the earlier film first and in the pose of the other."""
    agreement, candidate, _ = look
    first, second, turn = candidate.first, candidate.second, candidate.turn
    if first > second:
        first, second, turn = second, first, int(BACK[turn])
    changes: list[str] = [TURNS[turn].pose] if turn else []
    changes += ["inverted"] if candidate.inverted else []
    how = f"{', '.join(changes) or 'as it is'}; agreement {agreement:.2f}"
    return Pair(int(films[first]), int(films[second]), how)
