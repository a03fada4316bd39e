"""What a study has before it, how long that takes, and which of its limits ends it before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from spineseg.config.limits import LimitsConfig
from spineseg.config.study import StudyConfig
from spineseg.limits.budget import Used
from spineseg.limits.deadline import seconds_left
from spineseg.run_times import Rates
from spineseg.runs import Run
from spineseg.time_left import begun_anew, left_in_words, second_step_seconds, shared, so_far
from spineseg.trials import to_come, train_config


@dataclass(frozen=True)
class Ahead:
    """What is not at work and has not ended."""

    again: float  # Seconds of those that were begun, and are gone on with whatever is spent.
    seconds: tuple[float, ...]  # Of each that is still to be begun, in their order, at most.
    expected: tuple[float, ...]  # Of the same, as pruning goes and finalists look.
    epochs: tuple[int, ...]  # Of the same.
    begun: int  # Trainings that were begun.
    begun_epochs: int  # That these have still before them.


def ahead(
    config: StudyConfig,
    runs: Sequence[Run],
    taken: Rates,
    at_work: Collection[str],
    now: float,
    expected: Sequence[float] = (),
) -> Ahead:
    """Return what a study has before it besides what is `at_work`, by name.

    `expected` are the `expected_seconds` of it; without them the most is expected.
    """
    left = [run for run in runs if run.end is None]
    search, specs = config.search, to_come(config, runs)
    coming = [train_config(config, spec) for spec in specs]
    epochs = tuple(
        search.first_epochs(one.epochs) if spec.kind == "search" else one.epochs
        for spec, one in zip(specs, coming, strict=True)
    )
    seconds = tuple(taken.whole(one, n / one.epochs) for one, n in zip(coming, epochs, strict=True))
    return Ahead(
        again=sum(
            taken.left(run.job.config, begun_anew(so_far(run), now), now)
            for run in left
            if run.name not in at_work
        )
        + second_step_seconds(config, runs, taken),
        seconds=seconds,
        expected=tuple(expected or seconds),
        epochs=epochs,
        begun=len(runs),
        begun_epochs=sum(max(0, run.job.config.epochs - run.epoch_count) for run in left),
    )


@dataclass(frozen=True)
class End:
    """How a study ends, by what trainings took."""

    seconds: float  # From now.
    limit: str = ""  # Which limit ends it, with its value; empty: none does.
    begun: int = 0  # Trainings that were begun by then.
    at_most: int = 0  # Trainings that it would have without the limit.
    # Seconds from now, as pruning goes and finalists look; `seconds` are the most.
    expected: float = field(default=0.0, compare=False)

    def in_words(self, taken: Rates) -> str:
        """Return the time left as a person reads it, with the limit that it counts to."""
        words = left_in_words(self.seconds, taken, self.expected)
        if not self.limit or taken.epoch is None:
            return words
        return (
            f"{words}, as {self.limit} ends it after about {self.begun} of at most {self.at_most} "
            "trainings"
        )


def end_of(
    limits: LimitsConfig,
    used: Used,
    under_way: Sequence[float],
    before_it: Ahead,
    slots: int,
    now: float,
) -> End:
    """Return when a study ends that has `used` so much; `under_way` are seconds to each one's end.

    A training that is begun before a budget is spent runs to its end; by a deadline all is at rest.
    """
    sure = sum(under_way) + before_it.again
    more, limit = len(before_it.seconds), ""
    for left, costs, name in _budgets(limits, used, before_it, sure):
        if (begun := begun_until(left, costs)) < more:
            more, limit = begun, name
    seconds = shared(under_way, before_it.again + sum(before_it.seconds[:more]), slots)
    expected = shared(under_way, before_it.again + sum(before_it.expected[:more]), slots)
    until = seconds_left(limits, now)
    if until is not None and limits.deadline is not None and seconds > until:
        limit = f"limits.deadline {limits.deadline.isoformat(' ', 'minutes')}"
        more = min(more, begun_until(until * slots - sure, before_it.seconds))
        finishes = under_way if limits.at_deadline == "finish" else ()
        seconds = max([until, 0.0, *finishes])
    begun_then, at_most = before_it.begun + more, before_it.begun + len(before_it.seconds)
    return End(seconds, limit, begun_then, at_most, min(seconds, expected))


def _budgets(
    limits: LimitsConfig, used: Used, before_it: Ahead, sure: float
) -> list[tuple[float, Sequence[float], str]]:
    """Return what each budget leaves for trainings to come, what each of them costs, its name."""
    found: list[tuple[float, Sequence[float], str]] = []
    if limits.trainings is not None:
        ones = [1.0] * len(before_it.seconds)
        found.append(
            (limits.trainings - used.trainings, ones, f"limits.trainings {limits.trainings}")
        )
    if limits.epochs is not None:
        left = limits.epochs - used.epochs - before_it.begun_epochs
        found.append((left, before_it.epochs, f"limits.epochs {limits.epochs}"))
    if limits.hours is not None:
        left_seconds = limits.hours * 3600 - used.seconds - sure
        found.append((left_seconds, before_it.seconds, f"limits.hours {limits.hours:g}"))
    return found


def begun_until(left: float, costs: Sequence[float]) -> int:
    """Return how many are begun until their costs have used up what is left."""
    begun, so_far_used = 0, 0.0
    while begun < len(costs) and so_far_used < left:
        so_far_used += costs[begun]
        begun += 1
    return begun
