"""What a look at a folder of films found: all its films, and the facts of those that were read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from spineseg.data.film_source import suffix_of
from spineseg.data.intake import FilmFacts, Intake
from spineseg.data.opened import OpenedSource
from spineseg.files import shown
from spineseg.starting.copies import Twice
from spineseg.starting.patient_guess import PatientGuess


@dataclass(frozen=True)
class Look:
    """What lies in a folder. Films are told by their places in `films`."""

    place: Path
    sources: list[OpenedSource]
    unread: dict[Path, str]  # Folders and files that no reader took, and why.
    films: list[Intake]
    facts: dict[int, FilmFacts]  # Of the films that were read and can be used.
    problems: dict[int, str]  # Of those that cannot.
    pairs: list[tuple[int, int, str]]  # Films that show one picture, and how.
    twice: list[Twice]
    guess: PatientGuess
    body_share: float | None  # A body's shorter side as a share of the film's longer, the median.
    kept: dict[int, Path] = field(default_factory=dict)  # The films read, as they would be merged.

    @property
    def labelled(self) -> int:
        """How many films somebody labelled, be it as showing nothing."""
        return sum(intake.film.has_labels for intake in self.films)

    def name(self, place: int) -> str:
        """Return a film's name for people."""
        return shown(self.films[place].film.path.name)

    def formats(self) -> dict[str, int]:
        """Return how many films there are of each suffix, most first."""
        found = Counter(suffix_of(i.film.path.name) or "no suffix" for i in self.films)
        return dict(found.most_common())
