"""Gates that the sealed test part answers: a function each, with its figure."""

from __future__ import annotations

from collections.abc import Sequence

from spineseg.evaluation.result import Evaluation
from spineseg.evidence.candidacy import Candidacy, Gate
from spineseg.evidence.not_worse import guarded
from spineseg.evidence.results import GateResult
from spineseg.evidence.significance import LEAST_PATIENTS
from spineseg.levels import ANATOMICAL_ORDER
from spineseg.seal.opening import PART


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


def not_worse(c: Candidacy) -> GateResult:
    """Ask for no fall beyond its bound in right level, found, invented; by view and by level."""
    before, after = ([run.records(PART) for run in arm.runs] for arm in (c.baseline, c.chosen))
    found = guarded(before, after, c.patients, c.config.promote.not_worse)
    fallen = [each.text() for each in found if not each.holds]
    return GateResult(
        name="not worse where it matters",
        passed=not fallen,
        figure="; ".join(fallen)
        or f"{len(found)} figures, each within its bound of promote.not_worse",
    )


def file_itself(c: Candidacy) -> GateResult:
    """Ask the one training whose weights become the version for a score above the baseline's."""
    _, arm, effect = c.tested
    own = c.promoted_run
    score = arm.scores[arm.runs.index(own)]
    return GateResult(
        name="the promoted file's own test score",
        passed=score > effect.baseline,
        figure=f"{own} {score:.4f} against the baseline's {effect.baseline:.4f}, the mean of its "
        f"trainings; its configuration's is {effect.challenger:.4f}",
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


def better_than_champions(c: Candidacy) -> GateResult | None:
    """Ask for `better` against each champion, scored on the same films: an interval, no point."""
    if not c.against:
        return None
    least = c.config.promote.min_gain
    beaten = [each.verdict == "better" and each.low > least for each in c.against]
    return GateResult(
        name="better than the champion on the same films",
        passed=all(beaten),
        figure="; ".join(
            f"{effect.verdict} than {effect.name}, {effect.challenger:.4f} against "
            f"{effect.baseline:.4f}, {effect.difference:+.4f} (95 % interval {effect.low:+.4f} to "
            f"{effect.high:+.4f}, must lie above {least:g})"
            for effect in c.against
        ),
    )


ON_TEST: tuple[Gate, ...] = (
    patients_enough,
    better_on_test,
    gain_asked_for,
    not_worse,
    file_itself,
    no_level_lost,
    better_than_champions,
)
