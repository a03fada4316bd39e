"""What a study has used of its budgets, over all restarts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from spineseg.config.limits import LimitsConfig
from spineseg.events import Epoch, Event, Failed, Finished, Lost, Started
from spineseg.runs import Run

_LONGEST_START_SECONDS = 600.0  # As in `run_times`: what lies before it was a stop.


@dataclass(frozen=True)
class Used:
    """What trainings have taken so far."""

    trainings: int = 0
    epochs: int = 0  # Those that were trained twice count twice: they were paid for.
    seconds: float = 0.0  # Of all slots together, from each start to each end.


def used_by(run: Run) -> Used:
    """Return what one run has taken, by its log: lost attempts too, stops between them not.

    A loss that is told later, by whoever found it, counts for as long as an epoch may have taken.
    """
    seconds, last, longest, epochs = 0.0, run.job.created, 0.0, 0
    before: Event | None = None
    for event in run.log:
        passed, last = max(0.0, event.time - last), event.time
        match event:
            case Started():  # From a stop to the next start nobody trained; from a loss, one did.
                at_once = before is None or isinstance(before, Lost)
                seconds += passed if at_once and passed < _LONGEST_START_SECONDS else 0.0
            case Lost(kind="killed" | "node_lost") | Failed(kind="killed"):
                seconds += min(passed, longest or _LONGEST_START_SECONDS)
            case _:
                seconds += passed
        if isinstance(event, Epoch):
            epochs, longest = epochs + 1, max(longest, event.epoch_seconds)
        if isinstance(event, Finished | Failed):
            break  # What it is scored on later is another matter.
        before = event
    return Used(1, epochs, seconds)


class Budget:
    """What a study may begin still; asked often, it counts anew only what has said more."""

    def __init__(self, limits: LimitsConfig) -> None:
        """Prepare to count against the budgets in `limits`."""
        self._limits = limits
        self._known: dict[str, tuple[int, Used]] = {}  # By job: events counted, and what they say.

    def used(self, runs: Iterable[Run]) -> Used:
        """Return what runs have taken together, each as far as its log goes.

        Epochs and seconds are counted where they have a budget: a large study has many to read.
        """
        if self._limits.epochs is self._limits.hours is None:
            return Used(trainings=sum(1 for _ in runs))
        found = [self._of(run) for run in runs]
        epochs, seconds = sum(one.epochs for one in found), sum(one.seconds for one in found)
        return Used(len(found), epochs, seconds)

    def _of(self, run: Run) -> Used:
        known = self._known.get(run.job.id)
        if known is None or known[0] != len(run.log):
            known = self._known[run.job.id] = len(run.log), used_by(run)
        return known[1]

    def spent(self, runs: Iterable[Run]) -> str | None:
        """Return which budget is used up, its value and what was used; None while none is."""
        limits = self._limits
        if limits.trainings is limits.epochs is limits.hours is None:
            return None
        used = self.used(runs)
        if limits.trainings is not None and used.trainings >= limits.trainings:
            return f"limits.trainings {limits.trainings} is spent ({used.trainings} begun)"
        if limits.epochs is not None and used.epochs >= limits.epochs:
            return f"limits.epochs {limits.epochs} is spent ({used.epochs} trained)"
        if limits.hours is not None and used.seconds >= limits.hours * 3600:
            return f"limits.hours {limits.hours:g} is spent ({_hours(used.seconds)} trained)"
        return None


def spent(limits: LimitsConfig, runs: Iterable[Run]) -> str | None:
    """Return which budget the runs have used up, as "limits.hours 10 is spent (10.4 trained)".

    None while no budget is. Nothing is begun after that; what is under way runs to its end.
    """
    return Budget(limits).spent(runs)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f}" if seconds >= 360 else f"{seconds / 3600:.3f}"
