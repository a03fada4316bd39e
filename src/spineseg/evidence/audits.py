"""What a study's audits found: of its pruning, and of its plan. Figures alone, no words."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from spineseg.config.model import Model

LEAST_AUDITED = 5
"""Below this nothing is said: of 4 that were lost nothing, 60 of 100 may have been."""
_FEW = 0.25  # Of 13 that were given up and none among the best, a quarter at most may be (95 %).
Verdict = Literal["unknown", "milder", "noise", "keep", "open"]


class AuditedTrial(Model):
    """One trial that had been given up and ran to its end."""

    name: str
    epoch: int = Field(description="After which it had been given up.")
    early: float = Field(description="The trainer's best score until then.")
    final: float = Field(description="The project's own score of its best weights.")
    epochs_more: int = Field(description="Trained after that epoch.")


class PruneAudit(Model):
    """What pruning did to a search; every figure from runs on record."""

    audited: tuple[AuditedTrial, ...]
    kept: int = Field(description="Searched trials that completed and were never given up.")
    pruned: int = Field(description="Trials that were given up and ended there.")
    regret: float | None = Field(
        description="The best audited final score less the best kept one; below 0: none was lost."
    )
    best_places: int = Field(description="How many places count as the best.")
    among_best: int = Field(description="Audited trials that hold one of them.")
    lost_share: tuple[float, float] | None = Field(
        description="95 % interval of the share of given-up trials among the best (Clopper-Pearson)"
    )
    correlation: float | None = Field(description="Spearman's, of early and final scores.")
    correlation_interval: tuple[float, float] | None = Field(description="95 %.")
    ranked: int = Field(description="Trials that the correlation is of.")
    ranked_epoch: int | None = Field(description="The epoch of the early scores.")
    epochs_saved: int
    hours_saved: float = Field(description="By what an epoch of each pruned trial took.")
    epochs_spent: int = Field(description="By audited trials after they had been given up.")

    def verdict(self, noise_sd: float | None) -> Verdict:
        """Return whether the setting should change; `noise_sd` is that between seeds, if known."""
        if len(self.audited) < LEAST_AUDITED or self.regret is None or self.lost_share is None:
            return "unknown"
        if self.regret > 0:
            return "milder" if self.regret > (noise_sd or 0.0) else "noise"
        return "keep" if self.lost_share[1] <= _FEW else "open"


class TrainingHours(Model):
    """One training that completed: what was planned, what was expected then, what it took."""

    name: str
    planned: float | None = Field(description="Hours, by the plan that the study began with.")
    expected: float | None = Field(description="Hours, by the trainings that had ended before it.")
    actual: float = Field(description="Hours, from its start to its end; stops between them not.")


class PlanAudit(Model):
    """A study's plan beside what it took."""

    basis: str = Field(description="What the plan rests on; empty where none was kept.")
    trainings: tuple[TrainingHours, ...] = Field(description="Those that completed, in order.")
    planned_hours: float | None = Field(description="Of the whole study, none pruned.")
    planned_trainings: int | None
    actual_hours: float = Field(description="Of all trainings so far, failed and pruned ones too.")
    begun: int
    ended: bool = Field(description="Whether nothing is left to train.")
    foreseen: tuple[float, float] | None = Field(
        description="Hours of what came after the third training, expected then and taken."
    )
