"""Where a better model must not be worse: right level, found, invented; by view and by level.

Non-inferiority: of each guarded figure the whole interval of the difference to the baseline has to
lie above a bound that the config sets beforehand (ICH E9, 3.3.2). Shares are of labelled vertebrae.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spineseg.config.study import NotWorse
from spineseg.evaluation.counts import FilmCounts, count_film
from spineseg.evaluation.records import FilmRecord
from spineseg.evidence.comparison import Difference, compare_arms
from spineseg.evidence.effects import SURE
from spineseg.levels import ANATOMICAL_ORDER, view_of

_VIEWS = ("frontal", "lateral")


class Guarded(NamedTuple):
    """One figure that must not fall, of two arms, and how far it may."""

    name: str
    difference: Difference
    most: float  # Loss that is allowed.
    few: bool = False  # So few films that an interval is wider than any bound.

    @property
    def holds(self) -> bool:
        """Whether the whole interval lies above the bound.

        The difference itself on few films, and where every patient and run says the same, so that
        no noise is known.
        """
        d = self.difference
        is_asked = not self.few and (d.low, d.high) != (-1.0, 1.0)
        return (d.low if is_asked else d.difference) > -self.most

    def text(self) -> str:
        """Return it with its interval and its bound."""
        d = self.difference
        return (
            f"{self.name} {d.baseline:.3f} to {d.challenger:.3f} (95 % interval {d.low:+.3f} to "
            f"{d.high:+.3f}, must lie above {-self.most:g})"
        )


@dataclass(frozen=True)
class _Counted:
    """A share of one run, ready to be summed over any choice of films; scores as RunMatches do."""

    films: tuple[str, ...]
    part: np.ndarray  # (films,)
    counts: dict[str, np.ndarray]  # `labelled`: what the share is of, (films,)

    def scores(self, _: str, weights: np.ndarray) -> np.ndarray:
        """Return the share over drawn films, (resamples,); weights are (resamples, films)."""
        whole = np.einsum("rf,f->r", weights, self.counts["labelled"])
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.einsum("rf,f->r", weights, self.part) / whole)

    def score(self, _: str) -> float:
        """Return the share over all films."""
        return float(self.scores("", np.ones((1, len(self.films))))[0])


Share = Callable[[FilmRecord, FilmCounts], tuple[float, float]]
"""What of a film counts, and of how much."""


def guarded(
    before: Sequence[Sequence[FilmRecord]],
    after: Sequence[Sequence[FilmRecord]],
    patients: Sequence[str],
    bounds: NotWorse,
) -> list[Guarded]:
    """Return every guarded figure of two arms; each is a run's records of the same films.

    `patients` names each film's patient. A view or a level with fewer labelled films than
    `bounds.least_films` is left out.
    """
    counted = [[[count_film(film) for film in run] for run in arm] for arm in (before, after)]
    found = []
    for name, share, most in _shares(before[0], bounds):
        arms = [
            [_of(share, run, counts) for run, counts in zip(arm, of, strict=True)]
            for arm, of in zip((before, after), counted, strict=True)
        ]
        difference = compare_arms(arms[0], arms[1], patients, "", error=SURE)
        few = len(before[0]) < bounds.least_films
        found.append(Guarded(name, difference, most, few))
    return found


def _shares(films: Sequence[FilmRecord], bounds: NotWorse) -> Iterator[tuple[str, Share, float]]:
    yield "right level", lambda film, c: (c.right, c.labelled), bounds.right_level
    yield "found", lambda film, c: (c.found, c.labelled), bounds.found
    # Fewer are better: the other way round.
    yield "not invented", lambda film, c: (-c.invented, c.labelled), bounds.invented
    for view in _VIEWS:
        if sum(_view(film) == view for film in films) >= bounds.least_films:
            yield f"right level, {view}", _in_view(view), bounds.view
    for level in ANATOMICAL_ORDER:
        if sum(_labelled(film, level) > 0 for film in films) >= bounds.least_films:
            yield f"right level, {level}", _of_level(level), bounds.level


def _view(film: FilmRecord) -> str:
    return view_of([truth.level for truth in film.truths])


def _labelled(film: FilmRecord, level: str) -> int:
    return sum(truth.level == level for truth in film.truths)


def _in_view(view: str) -> Share:
    return lambda film, c: (c.right, c.labelled) if _view(film) == view else (0, 0)


def _of_level(level: str) -> Share:
    return lambda film, c: (c.right_by_level[level], _labelled(film, level))


def _of(share: Share, run: Sequence[FilmRecord], counts: Sequence[FilmCounts]) -> _Counted:
    both = np.array([share(film, c) for film, c in zip(run, counts, strict=True)], float)
    names = tuple(film.name for film in run)
    return _Counted(names, both[:, 0], {"labelled": both[:, 1]})
