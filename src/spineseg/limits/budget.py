"""What a study has used of its budgets, over all restarts, and what they keep it from training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from spineseg.config.limits import LimitsConfig
from spineseg.config.study import StudyConfig
from spineseg.events import Epoch, Event, Failed, Finished, Lost, Started
from spineseg.runs import Run
from spineseg.trials import TrialSpec, to_come

_LONGEST_START_SECONDS = 600.0  # As in `run_times`: what lies before it was a stop.
_KINDS: dict[str, Callable[[int], str]] = {
    "baseline": lambda count: "the baseline",
    "variant": lambda count: "1 variant" if count == 1 else f"{count} variants",
    "search": lambda count: f"{count} searched",
    "confirm": lambda count: f"at most {count} on fresh seeds",
}


@dataclass(frozen=True)
class Used:
    """What trainings have taken so far."""

    trainings: int = 0
    epochs: int = 0  # Those that were trained twice count twice: they were paid for.
    seconds: float = 0.0  # Of all slots together, from each start to each end.

    def __add__(self, other: Used) -> Used:
        return Used(
            self.trainings + other.trainings,
            self.epochs + other.epochs,
            self.seconds + other.seconds,
        )


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
        """Return what runs have taken together, each as far as its log goes."""
        total = Used()
        for run in runs:
            counted, one = self._known.get(run.job.id, (-1, Used()))
            if counted != len(run.log):
                one = used_by(run)
                self._known[run.job.id] = len(run.log), one
            total += one
        return total

    def spent(self, runs: Iterable[Run]) -> str | None:
        """Return which budget is used up, its value and what was used; None while none is."""
        limits = self._limits
        if limits.trainings is limits.epochs is limits.hours is None:
            return None
        used = self.used(runs)
        if limits.trainings is not None and used.trainings >= limits.trainings:
            return f"limits.trainings {limits.trainings} is spent: {used.trainings} were begun"
        if limits.epochs is not None and used.epochs >= limits.epochs:
            return f"limits.epochs {limits.epochs} is spent: {used.epochs} were trained"
        if limits.hours is not None and used.seconds >= limits.hours * 3600:
            return f"limits.hours {limits.hours:g} is spent: {_hours(used.seconds)} were trained"
        return None


def spent(limits: LimitsConfig, runs: Iterable[Run]) -> str | None:
    """Return which budget the runs have used up, as "limits.hours 10 is spent: 10.4 were trained".

    None while no budget is. Nothing is begun after that; what is under way runs to its end.
    """
    return Budget(limits).spent(runs)


def not_trained(config: StudyConfig, runs: Sequence[Run]) -> str:
    """Return what the study has not begun, in words, as "2 variants, 5 searched"; empty: nothing.

    What no one knows yet counts as large as it can become.
    """
    return in_words(to_come(config, runs))


def in_words(specs: Sequence[TrialSpec]) -> str:
    """Return trainings that have not begun, counted by what they are for."""
    counts = Counter(str(spec.kind) for spec in specs)
    return ", ".join(words(counts[kind]) for kind, words in _KINDS.items() if counts[kind])


def cut_short(config: StudyConfig, runs: Sequence[Run]) -> str:
    """Return what a spent budget keeps the study from training; empty where it keeps it from none.

    Said wherever such a study could be taken for a whole one.
    """
    reason, left = spent(config.limits, runs), not_trained(config, runs)
    if reason is None or not left:
        return ""
    key = reason.split()[0]
    return f"{reason}, so the study is not whole; not trained: {left}. Raise {key} to go on"


def planned_cuts(limits: LimitsConfig, trainings: Sequence[tuple[int, float | None]]) -> list[str]:
    """Return where budgets end a study before its plan does, a line for each.

    `trainings` are epochs and seconds of all that the plan comes to at most, in their order; None
    where no time is known. One that is begun before a budget is spent runs to its end.
    """
    lines, total = [], len(trainings)
    each = {
        "trainings": (limits.trainings, [1.0] * total),
        "epochs": (limits.epochs, [float(epochs) for epochs, _ in trainings]),
        "hours": (limits.hours, [(seconds or 0.0) / 3600 for _, seconds in trainings]),
    }
    for name, (limit, costs) in each.items():
        if limit is None:
            continue
        if name == "hours" and any(seconds is None for _, seconds in trainings):
            lines.append(f"limits.hours {limit:g}: no estimate of where it ends the study")
            continue
        begun, sum_so_far = 0, 0.0
        while begun < total and sum_so_far < limit:
            sum_so_far += costs[begun]
            begun += 1
        if begun < total:
            about = "" if name == "trainings" else "about "
            lines.append(
                f"limits.{name} {limit:g} is spent after {about}{begun} of at most {total} "
                "trainings, if nothing is pruned"
            )
    return lines


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f}" if seconds >= 360 else f"{seconds / 3600:.3f}"
