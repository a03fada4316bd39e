"""The one effect that the answer rests on, and where it was measured."""

from __future__ import annotations

from typing import NamedTuple

from spineseg.evidence.effects import Effect
from spineseg.evidence.results import ArmResult, Evidence, SealedTest, StudySummary
from spineseg.evidence.significance import LEAST_SEEDS
from spineseg.films import Part


class Claim(NamedTuple):
    """The one effect that the answer rests on, and where it was measured."""

    arm: ArmResult
    effect: Effect
    part: Part
    films: int
    patients: int
    finalists: int

    @property
    def few_seeds(self) -> str:
        """What is to be said of seeds too few to tell any but a very large gain; else nothing."""
        fewest = min(self.effect.runs, self.effect.baseline_runs)
        if fewest >= LEAST_SEEDS:
            return ""
        return (
            f" {fewest} trainings of an arm tell none but a very large gain: raise confirm.seeds."
        )


def claim(summary: StudySummary) -> Claim | None:
    """Return the effect to judge by: on the sealed test part, else on fresh seeds, else None."""
    leader = summary.leader.name if summary.leader else None
    parts: tuple[tuple[Part, SealedTest | Evidence | None], ...] = (
        ("test", summary.test),
        ("valid", summary.evidence),
    )
    for part, source in parts:
        arms = [
            (a, e) for a in (source.arms if source else []) if (e := a.effect(summary.objective))
        ]
        if source is None or not arms:
            continue
        place = next((i for i, (arm, _) in enumerate(arms) if arm.name == leader), 0)
        return Claim(*arms[place], part, source.films, source.patients, len(arms))
    return None
