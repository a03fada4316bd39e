"""Gates between a study's best configuration and the registry: a function each, with its figure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from spineseg.config.recorded import by_name
from spineseg.config.study import StudyConfig
from spineseg.data.audit import Audit
from spineseg.errors import StoreError
from spineseg.evaluation.result import Evaluation
from spineseg.evidence.arms import Arm
from spineseg.evidence.effects import Effect
from spineseg.evidence.results import ArmResult, GateResult, SealedTest
from spineseg.evidence.sealed_part import PART
from spineseg.evidence.significance import LEAST_PATIENTS, LEAST_SEEDS
from spineseg.levels import ANATOMICAL_ORDER
from spineseg.tracking.model_versions import Champion


@dataclass(frozen=True)
class Candidacy:
    """What the gates look at."""

    config: StudyConfig
    chosen: Arm
    baseline: Arm
    audit: Audit
    fingerprint: str
    not_in_mlflow: list[str]  # names of the arms' runs that MLflow does not hold whole
    champion: Champion | None
    test: SealedTest | None = None  # once it was opened

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


def confirmed(c: Candidacy) -> GateResult:
    """Ask for as many fresh seeds as the study wants."""
    runs, base_runs = len(c.chosen.fresh), len(c.baseline.fresh)
    least = c.config.confirm.seeds if c.config.confirm else LEAST_SEEDS
    enough = min(runs, base_runs) >= least
    return GateResult(
        name="confirmed on fresh seeds",
        passed=enough,
        figure=f"{runs} trainings completed, {base_runs} of the baseline; {least} of each are "
        "asked for"
        + (
            ""
            if enough
            else f"; `{by_name('run', c.config)}` goes on with them, "
            f"`{by_name('retry --all', c.config)}` before it asks for failed ones"
        ),
    )


def seeds_enough(c: Candidacy) -> GateResult:
    """Ask for seeds that can tell a gain: else the test part is opened for next to nothing."""
    runs, base_runs = len(c.chosen.runs), len(c.baseline.runs)
    enough = min(runs, base_runs) >= LEAST_SEEDS
    return GateResult(
        name="seeds enough to tell a gain",
        passed=enough,
        figure=f"{runs} trainings against the baseline's {base_runs}, {LEAST_SEEDS} of each are "
        "the least"
        + ("" if enough else f"; raise confirm.seeds to {LEAST_SEEDS} and run the study on"),
    )


def above_the_baseline(c: Candidacy) -> GateResult:
    """Ask for a higher mean on validation: else the test part is not worth opening."""
    return GateResult(
        name="confirmed above the baseline",
        passed=c.chosen.mean > c.baseline.mean,
        figure=f"validation {c.config.objective} {c.chosen.mean:.4f} against "
        f"{c.baseline.mean:.4f}, means over their trainings",
    )


def no_leak(c: Candidacy) -> GateResult:
    """Ask for data without a leak, accepted or not."""
    leaks = c.audit.leaks()
    return GateResult(
        name="no leak in the audit",
        passed=not leaks,
        figure=", ".join(f"{kind} {len(found)}" for kind, found in leaks.items()) or "none",
    )


def fast_enough(c: Candidacy) -> GateResult:
    """Ask for a prediction that is not much slower than the baseline's."""
    slow, base = (
        fmean(run.scores().seconds_per_film for run in arm.runs) for arm in (c.chosen, c.baseline)
    )
    most = c.config.promote.max_slowdown
    return GateResult(
        name="speed",
        passed=slow <= most * base,
        figure=f"{slow / base:.2f} times the baseline's seconds a film, at most {most:g}",
    )


def on_record(c: Candidacy) -> GateResult:
    """Ask for every training of both arms in MLflow."""
    runs, missing = len(c.chosen.runs) + len(c.baseline.runs), len(c.not_in_mlflow)
    return GateResult(
        name="everything on record in MLflow",
        passed=not missing,
        figure=f"{runs - missing} of {runs} runs"
        + ("; `spineseg compare` adds the rest" if missing else ""),
    )


def same_data_as_the_champion(c: Candidacy) -> GateResult | None:
    """Ask for the champion's data: else its score is no bar."""
    if c.champion is None:
        return None
    known = str(c.champion.evidence.get("data_fingerprint"))
    return GateResult(
        name="measured on the champion's data",
        passed=known == c.fingerprint,
        figure=f"fingerprint {c.fingerprint[:12]} against {known[:12]}",
    )


def is_the_champion(c: Candidacy) -> bool:
    """Return whether the candidate was promoted before, and still is the champion."""
    if c.champion is None:
        return False
    evidence = c.champion.evidence
    return (evidence.get("study"), evidence.get("run")) == (c.config.name, c.chosen.name)


def not_the_champion(c: Candidacy) -> GateResult | None:
    """Ask for another configuration than the champion."""
    if c.champion is None:
        return None
    evidence = c.champion.evidence
    return GateResult(
        name="not the champion itself",
        passed=not is_the_champion(c),
        figure=f"version {c.champion.version} is {evidence.get('run')} of study "
        f"{evidence.get('study')}",
    )


def patients_enough(c: Candidacy) -> GateResult:
    """Ask for patients enough on the test part."""
    test, _, _ = c.tested
    enough = test.patients >= LEAST_PATIENTS
    return GateResult(
        name="patients enough on the test part",
        passed=enough,
        figure=f"{test.patients} patients, {LEAST_PATIENTS} are the least"
        + ("" if enough else "; raise data.test_fraction or add films"),
    )


def better_on_test(c: Candidacy) -> GateResult:
    """Ask for `better` on the test part, by the rule that the whole report goes by."""
    test, _, effect = c.tested
    return GateResult(
        name="better on the test part",
        passed=effect.verdict == "better",
        figure=f"{effect.verdict}: {effect.metric} {effect.challenger:.4f} against "
        f"{effect.baseline:.4f}, {effect.difference:+.4f} (95 % interval {effect.low:+.4f} to "
        f"{effect.high:+.4f}, must lie above 0; p {effect.p_corrected:.3f}, must lie below "
        f"{effect.error:g}) on {test.films} films of {test.patients} patients, opened "
        f"{'once' if len(test.openings) == 1 else f'{len(test.openings)} times'}",
    )


def gain_asked_for(c: Candidacy) -> GateResult | None:
    """Ask for the gain that the config wants beyond any at all."""
    least = c.config.promote.min_gain
    if not least:
        return None
    _, _, effect = c.tested
    return GateResult(
        name="the gain that is asked for",
        passed=effect.low > least,
        figure=f"{effect.difference:+.4f}, its interval from {effect.low:+.4f} on, must lie above "
        f"promote.min_gain {least:g}",
    )


def no_level_lost(c: Candidacy) -> GateResult:
    """Ask for every level that the baseline gets right somewhere on the test part."""
    before, after = ([run.scores(PART) for run in arm.runs] for arm in (c.baseline, c.chosen))
    lost = lost_levels(before, after)
    return GateResult(
        name="no level lost that the baseline has",
        passed=not lost,
        figure=f"lost: {', '.join(lost)}" if lost else "none",
    )


def lost_levels(before: Sequence[Evaluation], after: Sequence[Evaluation]) -> list[str]:
    """Return the levels that the baseline gets right somewhere and the challenger nowhere."""

    def right(evaluations: Sequence[Evaluation], level: str) -> int:
        return sum(e.levels[level].right for e in evaluations if level in e.levels)

    return [lv for lv in ANATOMICAL_ORDER if right(before, lv) and not right(after, lv)]


def above_the_champion(c: Candidacy) -> GateResult | None:
    """Ask for a higher test score than the champion's."""
    if c.champion is None:
        return None
    _, arm, _ = c.tested
    bar = c.champion.evidence.get("test", {}).get(c.config.objective)
    return GateResult(
        name="above the champion's test score",
        passed=bar is not None and arm.mean > float(bar) + c.config.promote.min_gain,
        figure=f"{arm.mean:.4f} against {bar if bar is None else f'{bar:.4f}'}",
    )


BEFORE_OPENING: tuple[Gate, ...] = (
    confirmed,
    seeds_enough,
    above_the_baseline,
    no_leak,
    fast_enough,
    on_record,
    same_data_as_the_champion,
    not_the_champion,
)
ON_TEST: tuple[Gate, ...] = (
    patients_enough,
    better_on_test,
    gain_asked_for,
    no_level_lost,
    above_the_champion,
)
