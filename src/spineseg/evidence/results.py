"""What a study has shown: runs, arms, evidence, the sealed part."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from spineseg.config.model import Model
from spineseg.evaluation.result import Evaluation
from spineseg.events import in_parts
from spineseg.evidence.audits import PlanAudit, PruneAudit
from spineseg.evidence.effects import Effect
from spineseg.footprint import Footprint
from spineseg.seal.opening import Opening

RIGHT_AMONG_FOUND, BOUNDARY = "right_among_found", "mean_boundary_px"
"""Scores beside the metrics of the table that a run has intervals of."""


class RunSummary(Model):
    """One trial of a study."""

    name: str
    kind: Literal["baseline", "variant", "search", "confirm"]
    outcome: Literal["completed", "pruned", "failed", "running", "interrupted"]
    failure: str | None = None
    hypothesis: str | None = None
    changes: dict[str, Any] = Field(default_factory=dict)
    evaluation: Evaluation | None = None  # As the study numbers.
    other_numbering: Evaluation | None = None  # The same run, numbered the other way.
    trainer_metrics: dict[str, float] = Field(default_factory=dict)
    curves: dict[str, list[float]] = Field(default_factory=dict)
    epochs: int = 0
    best_epoch: int | None = None
    model: str = ""
    weights: str = Field("", description="What it begins with, as the config says.")
    parameters: int | None = None
    weights_bytes: int | None = None
    peak_mb: float | None = Field(None, description="Most memory in training: GPU's, or process's.")
    films_seen: int = Field(0, description="Training films, each as often as it was trained on.")
    fitting_seconds: float = Field(0.0, description="Of its epochs, without their validation.")
    footprint: Footprint | None = None
    intervals: dict[str, tuple[float, float]] = Field(
        default_factory=dict, description="95 % over patients, by score; see network_intervals."
    )
    train_seconds: float = 0.0
    seed: int | None = None
    batch: int | None = None
    optimizer: str | None = None
    number: int = 0
    attempts: int = Field(1, description="Of the child that trained it.")
    losses: list[str] = Field(default_factory=list, description="How the attempts before ended.")
    split: int = Field(1, description="Parts that a batch was trained in, after out of memory.")
    again: str = Field("", description="Of a failed one that is tried again: as which.")
    superseded: bool = Field(False, description="A later run of its name stands for it.")

    @property
    def note(self) -> str:
        """What is told beside its outcome: as which it was tried again, its batch in parts."""
        return "; ".join(filter(None, (self.again, in_parts(self.split))))

    @property
    def films_a_second(self) -> float | None:
        """How many films a second it trained on; None where it has no epoch."""
        return self.films_seen / self.fitting_seconds if self.fitting_seconds > 0 else None

    def value(self, metric: str) -> float | None:
        """Return a score of the best weights, None where it was not measured."""
        return None if self.evaluation is None else self.evaluation.known(metric)


class ArmResult(Model):
    """One configuration's trainings on fresh seeds."""

    name: str
    searched_score: float | None = Field(description="Its score where it was found.")
    scores: list[float] = Field(description="By seed, in the objective.")
    seeds: list[int]
    runs: list[str]
    effects: list[Effect] = Field(description="None for the baseline itself.")

    @property
    def mean(self) -> float:
        """Mean score over the fresh seeds."""
        return sum(self.scores) / len(self.scores)

    @property
    def luck(self) -> float | None:
        """By how much it scored higher where it was found than on fresh seeds."""
        return None if self.searched_score is None else self.searched_score - self.mean

    def effect(self, metric: str) -> Effect | None:
        """Return the effect on one metric."""
        return next((effect for effect in self.effects if effect.metric == metric), None)


class Evidence(Model):
    """What the validation part shows, with its noise."""

    objective: str
    films: int
    patients: int
    baseline_scores: list[float] = Field(description="The baseline's runs, the first one first.")
    noise_sd: float | None = Field(description="Between the baseline's seeds; None below three.")
    seeds: int = Field(description="Fresh seeds asked for; 0: no confirmation.")
    detectable_sd: float | None = Field(
        description="Gain, in noise_sd, told from seeds' chance in 80 of 100 studies."
    )
    variants: list[Effect]
    arms: list[ArmResult] = Field(description="The baseline first, then finalists, best first.")
    numbering: str

    def arm(self, name: str | None) -> ArmResult | None:
        """Return the arm called `name`."""
        return next((arm for arm in self.arms if arm.name == name), None)

    @property
    def best_arm(self) -> ArmResult | None:
        """The finalist with the highest mean over its fresh seeds."""
        finalists = [arm for arm in self.arms if arm.name != "baseline"]
        return max(finalists, key=lambda arm: arm.mean, default=None)


class GateResult(Model):
    """One condition of promotion."""

    name: str
    passed: bool
    figure: str


class SealedTest(Model):
    """What the test part said, each arm scored on it once, and how the last promotion ended."""

    films: int = Field(description="0: promotion was tried, but refused before it was opened.")
    patients: int
    openings: list[Opening]
    arms: list[ArmResult]
    gates: list[GateResult] = Field(default_factory=list)
    candidate: str | None = None
    promoted: bool = False


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
    evidence: Evidence | None = None
    test: SealedTest | None = None
    pruning: PruneAudit | None = None
    planned: PlanAudit | None = None
    cut_short: str = Field("", description="Which limit keeps it from being whole, and from what.")
    reference: str | None = Field(None, description="The words that a command finds the study by.")

    def run(self, name: str | None) -> RunSummary | None:
        """Return the run called `name`; of one that was tried again, the last."""
        return next((run for run in self.standing if run.name == name), None)

    @property
    def standing(self) -> list[RunSummary]:
        """Every run but those that failed and were tried again under their name."""
        return [run for run in self.runs if not run.superseded]

    @property
    def baseline(self) -> RunSummary | None:
        """The baseline, evaluated or not."""
        return self.run("baseline")

    @property
    def configurations(self) -> list[RunSummary]:
        """Every run but those that train a configuration again on a fresh seed."""
        return [run for run in self.standing if run.kind != "confirm"]

    @property
    def challengers(self) -> list[RunSummary]:
        """Every completed and evaluated configuration but the baseline."""
        return [
            run
            for run in self.configurations
            if run.outcome == "completed" and run.evaluation and run.name != "baseline"
        ]

    @property
    def leader(self) -> RunSummary | None:
        """The run to look into beside the baseline: promoted, else best confirmed, else best."""
        finalist = self.evidence.best_arm if self.evidence else None
        names = [self.test.candidate if self.test else None, finalist.name if finalist else None]
        runs = [self.run(name) for name in names]
        return next((run for run in runs if run and run.evaluation), self.best_run)

    @property
    def best_run(self) -> RunSummary | None:
        """The best completed run, the baseline itself included."""
        return self.run(self.best)
