"""What the gates look at, and what a gate is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from spineseg.config.study import StudyConfig
from spineseg.data.audit import Audit
from spineseg.data.manifest import Manifest
from spineseg.errors import StoreError
from spineseg.evidence.arms import Arm, MatchReader
from spineseg.evidence.effects import Effect
from spineseg.evidence.results import ArmResult, GateResult, SealedTest
from spineseg.runs import Run
from spineseg.seal.opening import PART, Decision
from spineseg.tracking.model_versions import Champion


@dataclass(frozen=True)
class Defender:
    """A champion that is in the way, and what keeps it from being measured, if anything."""

    champion: Champion
    problem: str

    @property
    def name(self) -> str:
        """Its model and version."""
        return f"{self.champion.name} version {self.champion.version}"


@dataclass(frozen=True)
class Candidacy:
    """What the gates look at."""

    config: StudyConfig
    chosen: Arm
    baseline: Arm
    finalists: Sequence[Arm]  # All that are confirmed, the chosen one among them.
    audit: Audit
    not_in_mlflow: list[str]  # names of the arms' runs that MLflow does not hold whole
    manifest: Manifest
    champion: Champion | None
    defenders: Sequence[Defender] = ()  # Champions that it has to beat.
    starts: tuple[str, list[str]] = ("", [])  # What is against starting weights; what is unknown.
    against: Sequence[Effect] = ()  # How it does against the defenders, once they were scored.
    test: SealedTest | None = None  # once it was opened

    @property
    def decision(self) -> Decision:
        """What is to be decided on the test part."""
        return Decision(
            metric=self.config.objective,
            min_gain=self.config.promote.min_gain,
            seeds=len(self.chosen.fresh),
            finalists=tuple(arm.name for arm in self.finalists),
            chosen=self.chosen.name,
        )

    @property
    def promoted_run(self) -> str:
        """The training whose weights become the version: the one that validates best."""
        return best_validated(self.chosen.fresh).name

    @property
    def patients(self) -> list[str]:
        """The patient of each film of the test part, in the records' order."""
        reader = MatchReader(self.manifest, PART)
        return reader.patients(reader.run(self.chosen.fresh[0]))

    @property
    def tested(self) -> tuple[SealedTest, ArmResult, Effect]:
        """What the test part said of the candidate. Raises StoreError where it said nothing."""
        name = self.chosen.name
        arm = next((a for a in self.test.arms if a.name == name), None) if self.test else None
        effect = arm.effect(self.config.objective) if arm else None
        if self.test is None or arm is None or effect is None:
            raise StoreError(
                f"{name}: has no two runs scored on the test part; run the command again"
            )
        return self.test, arm, effect


Gate = Callable[[Candidacy], GateResult | None]


def pass_through(gates: Iterable[Gate], candidacy: Candidacy) -> list[GateResult]:
    """Return what each gate says; a gate that has nothing to ask is left out."""
    return [result for gate in gates if (result := gate(candidacy)) is not None]


def best_validated(runs: Sequence[Run]) -> Run:
    """Return the training that validates best, the earlier of two that are equal."""
    return max(runs, key=lambda run: (run.value, -run.job.number))


def is_the_champion(c: Candidacy) -> bool:
    """Return whether the candidate was promoted before, and still is the champion."""
    if c.champion is None:
        return False
    evidence = c.champion.evidence
    return (evidence.get("study"), evidence.get("run")) == (c.config.name, c.chosen.name)
