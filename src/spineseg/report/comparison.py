"""One film of the validation part, and what two runs made of it."""

from __future__ import annotations

from dataclasses import dataclass

from spineseg.evaluation.counts import count_film
from spineseg.evaluation.records import FilmRecord
from spineseg.films import LabelledFilm


@dataclass(frozen=True)
class FilmComparison:
    """One film, and the records of the baseline and of the run beside it."""

    film: LabelledFilm | None  # None where it is not on this machine, labelled as it was scored.
    baseline: FilmRecord
    best: FilmRecord | None  # None where no run leads the baseline.

    @property
    def name(self) -> str:
        """The film's name."""
        return self.baseline.name

    @property
    def records(self) -> list[FilmRecord]:
        """The records that there are, the baseline's first."""
        return [self.baseline] if self.best is None else [self.baseline, self.best]

    @property
    def mistakes(self) -> int:
        """What the runs did wrong, together: by this films are ranked."""
        return sum(count_film(record).mistakes for record in self.records)
