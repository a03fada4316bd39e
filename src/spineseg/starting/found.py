"""What was found in a folder of films: the answer of `spineseg init`, for people and programs."""

from __future__ import annotations

from pydantic import Field

from spineseg.config.model import Model
from spineseg.data.account import LeftOutFiles
from spineseg.starting.patient_guess import PatientGuess


class FoundTwice(Model):
    """One film under two names."""

    first: str
    second: str
    same_labels: bool | None = Field(description="None: not compared, or not both can be read.")


class FoundSource(Model):
    """One export in the folder."""

    path: str
    layout: str
    films: int
    labelled: int
    left_out: tuple[LeftOutFiles, ...]


class Found(Model):
    """What lies in the folder; figures of films that were read, where they are not of all."""

    folder: str
    sources: tuple[FoundSource, ...]
    not_read: dict[str, str] = Field(description="Folders or files of no known layout -> why.")
    films: int
    labelled: int
    read: int = Field(description="Films that were decoded; fewer than all: a sample.")
    formats: dict[str, int] = Field(description="Suffix -> films.")
    sizes: dict[str, int] = Field(description="Width x height in px -> films read.")
    longest_px: int = Field(description="The longer side, the median of the films read.")
    views: dict[str, int]
    levels: dict[str, int] = Field(description="Level -> labels of the films read.")
    levels_a_film: int = Field(description="The median.")
    boxes: int = Field(description="Labels that are boxes, not outlines, of the films read.")
    no_levels: tuple[str, ...] = Field(description="Class names that are none of the 24 levels.")
    mended: dict[str, int] = Field(description="What was wrong with labels and has a remedy.")
    problems: dict[str, str] = Field(description="Films that cannot be used -> why.")
    lost: int = Field(description="Other files that hold somebody's work and are not read.")
    twice: tuple[FoundTwice, ...]
    alike: int = Field(description="Pairs of films read that show one picture.")
    across: tuple[str, ...] = Field(description="Such pairs of different patients, the first.")
    guess: PatientGuess

    @property
    def sampled(self) -> str:
        """In words, that not all films were read; empty where they were."""
        return f" ({self.read:,} of them read)" if self.read < self.films else ""
