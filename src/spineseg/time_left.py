"""How long a study still takes at most, by what its trainings took so far: closing included."""

from __future__ import annotations

from collections.abc import Sequence

from spineseg.config.study import StudyConfig
from spineseg.epoch_cost import Kind, kind_of
from spineseg.job import Job
from spineseg.places import LOCK_FILE
from spineseg.run_times import LATEST, STARTING, Rates, Spent, duration, gaps, rates, spent
from spineseg.runs import Run

_LESS = 0.95  # Of the most: below this, what is expected is worth a word.


def so_far(run: Run) -> Spent:
    """Return what a run has taken, by its log."""
    lock = run.folder / LOCK_FILE  # Each attempt writes its process into it.
    try:
        launched = lock.stat().st_mtime
    except OSError:
        launched = None
    return spent(run.job.created, run.brief(), launched)


def measured(config: StudyConfig, runs: Sequence[Run]) -> Rates:
    """Return what the study's trainings take by those on record."""
    ended = [(run.job.created, run.end.time if run.end else None) for run in runs]
    latest: list[tuple[Job, Spent]] = []
    kinds: set[Kind] = set()
    for run in reversed(runs):
        kind = kind_of(run.job.config)
        if run.last_epoch and (len(latest) < LATEST or kind not in kinds):
            latest.append((run.job, so_far(run)))
            kinds.add(kind)
    return rates(config.baseline, latest[::-1], gaps(ended))


def begun_anew(before: Spent, now: float) -> Spent:
    """Return what a training has taken that is taken up again at `now`."""
    before.phase, before.since = STARTING, now
    return before


def shared(under_way: Sequence[float], waiting: float, slots: int) -> float:
    """Return seconds to the end of all, where so many trainings run at a time."""
    return max([(sum(under_way) + waiting) / slots, *under_way])


def left_in_words(seconds: float, taken: Rates, expected: float | None = None) -> str:
    """Return the time left as a person reads it, and what it leaves out.

    `seconds` are the most, `expected` those that are likely, where pruning makes that less.
    """
    if taken.epoch is None:
        return "time left: known after the first epoch"
    unknown = ", pictures and scoring not counted yet" if taken.closing is None else ""
    if expected is not None and expected < _LESS * seconds:
        return f"about {duration(expected)} left, at most {duration(seconds)}{unknown}"
    return f"at most about {duration(seconds)} left{unknown}"


def second_step_seconds(config: StudyConfig, runs: Sequence[Run], taken: Rates) -> float:
    """Return what the trials take at most that are to go on after the first of two steps."""
    first = config.search.first_epochs(config.baseline.epochs)
    on = sum(run.job.kind == "search" and run.epoch_count > first for run in runs)
    left = max(0, config.search.most_in_second_step - on)
    each = taken.epoch_seconds(config.baseline.with_(**config.search.fixed))
    return left * (config.baseline.epochs - first) * each
