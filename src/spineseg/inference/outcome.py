"""What a person hears of predictions: film by film, and at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from spineseg.files import shown
from spineseg.inference import table
from spineseg.inference.given import PREDICTIONS_FILE, GivenFilms
from spineseg.report.gallery import PAGE_FILE

TABLE_FILE = "predictions.csv"


class Step(NamedTuple):
    """One film that is done."""

    number: int  # From 1.
    of: int
    answer: dict[str, Any]  # What its JSON file holds; with `error` for a film that is none.
    overlay: Path
    kept: bool  # Predicted by an earlier call, and taken as it is.

    def text(self) -> str:
        """Return in a line what came of it."""
        if self.answer.get("error"):
            return shown(f"not predicted: {self.answer['error']}")
        found, what = len(self.answer["vertebrae"]), table.note(self.answer)
        number = f"{found} vertebra{'e' * (found != 1)}"
        note = f" ({what})" if found and what else ""
        again = ", as predicted before" if self.kept else ""
        film, overlay = shown(self.answer["image"]), shown(self.overlay)
        return f"{film}: {number}{note}, {overlay} and .json{again}"


@dataclass
class Predicted:
    """What a call came to."""

    folder: Path
    films: int  # To predict.
    skipped: GivenFilms
    done: int = 0
    kept: int = 0
    vertebrae: int = 0
    without: int = 0  # Films on which none was found.
    same: int = 0  # Films that show the same picture as one before.
    errors: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return what a person is told at the end."""
        return "\n".join(
            [*self.lines(), f"{shown(self.folder / PAGE_FILE)}, {TABLE_FILE}, overlays"]
        )

    def lines(self) -> list[str]:
        """Return what came of it, a sentence a line."""
        films = self.done - len(self.errors)
        parts = [f"{films} film{'s' * (films != 1)}, {self.vertebrae} vertebrae"]
        parts += [f"{self.films - self.done} not done"] * (self.done < self.films)
        parts += [f"{self.kept} as predicted before"] * bool(self.kept)
        parts += [f"{self.without} without a vertebra"] * bool(self.without)
        parts += [f"{self.same} with the same picture as another"] * bool(self.same)
        lines = ["; ".join(parts)]
        if self.skipped.skipped:
            lines.append(
                f"skipped {len(self.skipped.skipped)}: {self.skipped.skipped_text()} "
                f"(listed in {PREDICTIONS_FILE})"
            )
        if self.errors:
            lines.append(f"not predicted {len(self.errors)}, as {shown(self.errors[0])}")
        return lines

    def count(self, step: Step) -> None:
        """Count one film more."""
        answer = step.answer
        self.done += 1
        self.kept += step.kept
        if answer.get("error"):
            self.errors.append(answer["error"])
            return
        self.vertebrae += len(answer["vertebrae"])
        self.without += not answer["vertebrae"]
        self.same += answer["same_picture_as"] is not None
