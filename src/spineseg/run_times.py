"""How long trainings took, by their logs: from which follows how long others will take."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from spineseg.config.training import TrainConfig
from spineseg.epoch_cost import EpochCost, epoch_cost, relative_work
from spineseg.events import Epoch, Event, Failed, Finished, Paused, Phase, Started
from spineseg.job import Job
from spineseg.run_log import Mark

STARTING, PAUSED = "starting", "paused"
CLOSING = ("scoring", "pictures", "recording")
"""What follows the last epoch, in its order."""
_STOPPED_SECONDS = 600.0  # No process takes so long to start: it was stopped before it had begun.
LATEST = 9  # Trainings that speak for the next ones: a machine has other work at other times.


def duration(seconds: float) -> str:
    """Return seconds as a person says them: `45 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


@dataclass
class Spent:
    """What one training has taken until a moment, by its log."""

    phase: str = STARTING  # The one it is in.
    since: float = 0.0  # When that began, in seconds since the Unix epoch.
    epochs: int = 0  # Whole ones that are worth something.
    epochs_trained: int = 0  # Those that were trained twice counted twice.
    last: float = 0.0  # The time of the last event.
    closing: bool = False  # The last epoch is over.
    seconds: dict[str, float] = field(default_factory=dict)  # By phase, without this one's last.
    end: Finished | Failed | None = None

    def add(self, name: str, seconds: float) -> None:
        """Count seconds for a phase."""
        self.seconds[name] = self.seconds.get(name, 0.0) + max(0.0, seconds)


def spent(created: float, log: Iterable[Event | Mark], launched: float | None = None) -> Spent:
    """Return what a training has taken: `created` is when it was asked for, `launched` when its
    last attempt was, where that is known.

    What lies between two attempts is nobody's time. A log from before there were phases gives all
    that follows its last epoch to scoring.
    """
    found = Spent(since=created, last=created)
    told = False
    for event in log:
        if found.end is not None:
            break  # What it was scored on later is no part of it.
        passed = event.time - found.last
        found.last = event.time
        match event:
            case Started():
                if launched is not None and event.time - passed <= launched <= event.time:
                    passed = event.time - launched  # Before it lies a stop.
                if event.resumed_from_epoch == 0 and not found.epochs and passed < _STOPPED_SECONDS:
                    found.seconds[STARTING] = max(0.0, passed)
                found.phase, found.since = "training", event.time
                found.epochs, found.closing = event.resumed_from_epoch, False
            case Epoch() | Mark():
                found.add("training", passed)
                found.epochs, found.epochs_trained = event.epoch, found.epochs_trained + 1
                found.since = event.time
            case Paused():
                found.phase, found.since = PAUSED, event.time
            case Phase():
                told = True
                if event.name == "scoring" and found.closing:  # Once more, after a stop.
                    found.seconds = {k: v for k, v in found.seconds.items() if k not in CLOSING}
                elif found.phase != "training" or passed < _STOPPED_SECONDS:
                    found.add(found.phase, passed)
                found.closing = found.closing or event.name in ("scoring", "recording")
                found.phase, found.since = event.name, event.time
            case Finished() | Failed():
                found.add(found.phase if told else "scoring", passed)
                found.end, found.since = event, event.time
    return found


@dataclass(frozen=True)
class Rates:
    """What trainings of the baseline's size take; None where none has been measured."""

    baseline: TrainConfig
    start: float = 0.0
    epoch: float | None = None
    closing: dict[str, float] | None = None  # By phase; recording with what the driver does.
    cost: EpochCost | None = None  # Where trainings are on record: by their configurations.

    def epoch_seconds(self, config: TrainConfig) -> float:
        """Return what one epoch takes, 0 where none has been measured."""
        if self.cost is not None:
            return self.cost.seconds(config)
        return (self.epoch or 0.0) * relative_work(config, self.baseline)

    def closing_seconds(self, config: TrainConfig) -> dict[str, float]:
        """Return what follows the last epoch, by phase."""
        closing = dict(self.closing or {})
        if "scoring" in closing:
            closing["scoring"] *= relative_work(config, self.baseline)
        return closing

    def whole(self, config: TrainConfig, share: float = 1.0) -> float:
        """Return what a training takes from its start to its end, by a share of its epochs."""
        trained = self.epoch_seconds(config) * config.epochs * share
        return self.start + trained + sum(self.closing_seconds(config).values())

    def left(self, config: TrainConfig, so_far: Spent, now: float) -> float:
        """Return what a training under way still takes at `now`, by what it has taken so far."""
        if so_far.end is not None:
            return 0.0
        passed = max(0.0, now - so_far.since)
        left = max(0.0, self.start - passed) if so_far.phase == STARTING else 0.0
        paused = so_far.phase == PAUSED  # Those few that go on are counted apart.
        epochs = 0 if so_far.closing or paused else max(0, config.epochs - so_far.epochs)
        each = self.epoch_seconds(config)
        trained = min(passed, each) if so_far.phase == "training" and epochs else 0.0
        left += each * epochs - trained
        for name, seconds in self.closing_seconds(config).items():
            taken = so_far.seconds.get(name, 0.0) + (passed if name == so_far.phase else 0.0)
            left += max(0.0, seconds - taken)
        return left


def rates(
    baseline: TrainConfig, trainings: Sequence[tuple[Job, Spent]], after: Sequence[float] = ()
) -> Rates:
    """Return what trainings take by the latest of those on record, and one of each other kind.

    `after` holds what the driver needed after a training's end, in seconds, as far as it is known.
    """
    known = [pair for pair in trainings if pair[1].epochs_trained]
    latest = known[-LATEST:]
    cost = epoch_cost(
        baseline, [(job.config, s.seconds["training"] / s.epochs_trained) for job, s in known]
    )
    if cost is None:
        return Rates(baseline)
    starts = [so_far.seconds[STARTING] for _, so_far in latest if STARTING in so_far.seconds]
    whole = [(job, so_far) for job, so_far in latest if isinstance(so_far.end, Finished)]
    closing = None
    if whole:
        closing = {name: median(s.seconds.get(name, 0.0) for _, s in whole) for name in CLOSING}
        closing["scoring"] = median(
            s.seconds.get("scoring", 0.0) / relative_work(job.config, baseline) for job, s in whole
        )
        closing["recording"] += median(after[-LATEST:]) if after else 0.0
    start = median(starts) if starts else 0.0
    return Rates(baseline, start, cost.seconds(baseline), closing, cost)


def gaps(jobs_and_ends: Sequence[tuple[float, float | None]]) -> list[float]:
    """Return seconds from each training's end to the next one's beginning, where one follows.

    Takes when each was asked for and when it ended. A pause longer than a start can take is none.
    """
    begun = sorted(begun for begun, _ in jobs_and_ends)
    found = []
    for _, end in jobs_and_ends:
        later = bisect_left(begun, end) if end is not None else len(begun)
        if end is not None and later < len(begun) and begun[later] - end < _STOPPED_SECONDS:
            found.append(begun[later] - end)
    return found
