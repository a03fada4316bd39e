"""Gates before the test part is opened: a function each, with its figure."""

from __future__ import annotations

from statistics import fmean

from spineseg.config.recorded import by_name
from spineseg.evidence.candidacy import Candidacy, Gate, is_the_champion
from spineseg.evidence.results import GateResult
from spineseg.evidence.significance import LEAST_SEEDS


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


def champions_can_defend(c: Candidacy) -> GateResult | None:
    """Ask for champions that have not learnt from this test part: else no score says anything."""
    if not c.defenders:
        return None
    problems = [f"{each.name}: {each.problem}" for each in c.defenders if each.problem]
    return GateResult(
        name="champions can be measured on the test part",
        passed=not problems,
        figure="; ".join(problems)
        + "; take the alias champion from it by hand if it is not to count" * bool(problems)
        or f"{', '.join(each.name for each in c.defenders)} learnt from none of its films",
    )


def starts_unseen(c: Candidacy) -> GateResult:
    """Ask for starting weights that have not learnt from this test part."""
    problem, unknown = c.starts
    told = f"not known what {', '.join(unknown)} learnt from" if unknown else "nothing is against"
    return GateResult(
        name="starting weights have not seen the test part",
        passed=not problem,
        figure=f"{problem}; start from other weights" if problem else told,
    )


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


BEFORE_OPENING: tuple[Gate, ...] = (
    confirmed,
    seeds_enough,
    above_the_baseline,
    no_leak,
    fast_enough,
    on_record,
    champions_can_defend,
    starts_unseen,
    not_the_champion,
)
