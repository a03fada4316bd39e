"""What a report is made from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from ..config import Model
from ..evaluation.result import Evaluation
from ..films import Outline


class RunSummary(Model):
    """One trial of a study."""

    name: str
    kind: Literal["baseline", "variant", "search"]
    outcome: Literal["completed", "pruned", "failed", "running"]
    failure: str | None = None
    hypothesis: str | None = None
    changes: dict[str, Any] = Field(default_factory=dict)
    evaluation: Evaluation | None = None
    trainer_metrics: dict[str, float] = Field(default_factory=dict)
    curves: dict[str, list[float]] = Field(default_factory=dict)
    epochs: int = 0
    best_epoch: int | None = None
    parameters: int | None = None
    train_seconds: float = 0.0
    seed: int | None = None
    batch: int | None = None
    optimizer: str | None = None
    notes: list[str] = Field(
        default_factory=list, description="What keeps the run from being compared like the others."
    )

    def value(self, metric: str) -> float | None:
        """Return a score of the best weights, None where the run was not evaluated."""
        return None if self.evaluation is None else float(getattr(self.evaluation, metric))


class StudySummary(Model):
    """A whole study."""

    name: str
    description: str = ""
    synthetic: bool
    objective: str
    created: str
    machine: str
    data: dict[str, Any] = Field(default_factory=dict)
    runs: list[RunSummary]
    importances: dict[str, float] = Field(default_factory=dict)
    importances_reason: str = ""
    best: str | None
    space: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    config_path: str | None = Field(None, description="The study's YAML, for command lines.")

    def run(self, name: str | None) -> RunSummary | None:
        """Return the run called `name`."""
        return next((run for run in self.runs if run.name == name), None)

    @property
    def baseline(self) -> RunSummary | None:
        """The baseline, evaluated or not."""
        return self.run("baseline")

    @property
    def challengers(self) -> list[RunSummary]:
        """Every completed and evaluated run but the baseline."""
        return [
            run
            for run in self.runs
            if run.outcome == "completed" and run.evaluation and run.name != "baseline"
        ]

    @property
    def best_run(self) -> RunSummary | None:
        """The best completed run, the baseline itself included."""
        return self.run(self.best)


@dataclass(frozen=True)
class Comparison:
    """One film under three sets of outlines."""

    film: Path
    truth: tuple[Outline, ...]
    baseline: tuple[Outline, ...]
    best: tuple[Outline, ...]
