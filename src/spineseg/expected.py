"""What is still to come is expected to take, as pruning goes and finalists look so far."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from spineseg.config.study import StudyConfig
from spineseg.prune_audit import audited_after
from spineseg.run_times import Rates, gaps
from spineseg.runs import Run
from spineseg.standing import standing
from spineseg.time_left import measured, second_step_seconds, so_far
from spineseg.trials import TrialSpec, drawn_at_ends, finalists, to_come, train_config

LEARNT_FROM = 3
"""Trainings that have to end before the time left is more than a guess."""
_RISES = 0.75  # Of the share that is to be kept: the mark rises with those that were.
_LATER = 0.05  # Of its epochs, after the warm-up, until a trial is given up.
_PRIOR_TRIALS = 3  # What the pruner's setting says counts as much as so many trials that ended.


def expected_seconds(config: StudyConfig, runs: Sequence[Run], taken: Rates) -> list[float]:
    """Return seconds of each of `to_come`, in its order, as expected and not at most.

    A searched trial counts by the share of its epochs that such trials train. Of the finalists
    that nobody knows yet, those so far have as many places as they are of all candidates; the rest
    are as large as those to come are on the mean.
    """
    searched = _mean(config, drawn_at_ends(config), taken, trained_share(config, runs))
    finalist = _finalist(config, runs, taken)

    def of(spec: TrialSpec) -> float:
        if spec.kind == "search" and not spec.name:
            return searched
        if spec.kind == "confirm" and not spec.arm:
            return finalist
        return taken.whole(train_config(config, spec))

    return [of(spec) for spec in to_come(config, runs)]


def _finalist(config: StudyConfig, runs: Sequence[Run], taken: Rates) -> float:
    names = {run.name for run in runs if run.end is not None}
    left = config.search.trials - sum(name.startswith("search-") for name in names)
    coming = [variant.changes for variant in config.variants if variant.name not in names]
    drawn = [*drawn_at_ends(config)]
    coming += drawn * round(left / max(1, len(drawn)))
    leading = [taken.whole(run.job.config) for run in finalists(standing(runs), config)]
    if not leading:
        return _mean(config, coming, taken)
    share = len(coming) / (len(coming) + len(names))
    return share * _mean(config, coming, taken) + (1 - share) * fmean(leading)


def _mean(
    config: StudyConfig, changes: Sequence[dict[str, object]], taken: Rates, share: float = 1.0
) -> float:
    each = [taken.whole(config.baseline.with_(**one), share) for one in changes]
    return fmean(each) if each else taken.whole(config.baseline, share)


def trained_share(config: StudyConfig, runs: Sequence[Run]) -> float:
    """Return the share of its epochs that the next searched trial is expected to train.

    Learnt of those that ended since the pruner could prune; before that by its setting, which says
    little: what a study prunes hangs on how good its baseline and variants are.
    """
    pruner, step = config.search.pruner, config.search.two_step
    if step is not None:  # The few that go on are counted with those that have paused.
        return config.search.first_epochs(config.baseline.epochs) / config.baseline.epochs
    if pruner is None:
        return 1.0
    after = sorted(
        (run for run in standing(runs) if run.finished and run.job.kind == "search"),
        key=lambda run: run.job.number,
    )
    completed = sum(run.outcome == "completed" and run.job.kind != "confirm" for run in runs)
    early = min(1.0, _LATER + max(1, pruner.warmup_epochs) / config.baseline.epochs)
    kept = _RISES * pruner.keep_percent / 100
    kept += (1 - kept) * config.search.audit
    by_setting = kept + (1 - kept) * early
    free = max(0, pruner.startup_trials - (completed - sum(map(_went_on, after))))
    judged = after[free:]  # Those before were the pruner's start-up, which prunes none.
    known = [run.epoch_count / run.job.config.epochs for run in judged]
    share = (_PRIOR_TRIALS * by_setting + sum(known)) / (_PRIOR_TRIALS + len(known))
    left = config.search.trials - len(after)
    whole = min(left, max(0, free - len(after)))
    return (whole + (left - whole) * share) / left if left > 0 else share


def _went_on(run: Run) -> bool:
    return run.outcome == "completed" and audited_after(run) is None


def foreseen(
    config: StudyConfig, runs: Sequence[Run], after: int = LEARNT_FROM
) -> tuple[float, float] | None:
    """Return the seconds of trainings that were expected once so many had ended, and those taken.

    Of all slots together; None while the study has not ended, and where no more were trained.
    """
    ends = sorted(run.end.time for run in runs if run.end is not None)
    if len(ends) <= after or len(ends) < len(runs) or to_come(config, runs):
        return None
    then = [run for run in runs if run.end is not None and run.end.time <= ends[after - 1]]
    later = [run for run in runs if run not in then]
    taken = measured(config, then)
    if taken.closing is None:
        return None
    pauses = gaps([(run.job.created, run.end.time if run.end else None) for run in later])
    took = sum(sum(so_far(run).seconds.values()) for run in later)
    expected = sum(expected_seconds(config, then, taken))
    return expected + second_step_seconds(config, then, taken), took + sum(pauses)
