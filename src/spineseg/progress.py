"""What a person sees while a study runs: each training's phase, its scores, and the time left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spineseg.beside_baseline import in_words, live_beside, scored_beside
from spineseg.config.study import StudyConfig
from spineseg.events import Epoch, Event, Failed, Finished, Lost, Phase, Started, in_parts
from spineseg.expected import expected_seconds
from spineseg.job import Job
from spineseg.limits.ahead import ahead, end_of
from spineseg.limits.budget import Budget
from spineseg.live_line import QUIET_SECONDS, LiveLine, live_line
from spineseg.metrics import metric_named
from spineseg.run_times import PAUSED, Spent, duration
from spineseg.runs import Run
from spineseg.standing import standing
from spineseg.time_left import begun_anew, measured, so_far
from spineseg.tries import loss_in_words, numbered

TWO_SCORES = (
    "live: the trainer's own score after an epoch, on masks at reduced resolution; it steers the "
    "pruning. scored: this project's, of the best weights at full resolution: all tables show that"
)


@dataclass
class _AtWork:
    """One training under way."""

    job: Job
    begun: float
    adopted: bool  # Its child was at work before.
    log: list[Event] = field(default_factory=list)

    def run(self) -> Run:
        return Run(Path(self.job.folder_name), self.job, tuple(self.log))

    def is_news(self, event: Event) -> bool:
        """Return whether an event is none of before this process took the run up."""
        return event.time >= self.begun

    def so_far(self) -> Spent:
        """Return what it has taken; events of an earlier attempt do not say what it does now."""
        found = so_far(self.run())
        before = not self.adopted and found.last < self.begun
        if before and found.end is None and found.phase != PAUSED:
            return begun_anew(found, self.begun)
        return found

    @property
    def is_paused(self) -> bool:
        """Whether it waits, and for no slot, until it is chosen to go on or not."""
        return self.so_far().phase == PAUSED


class Progress:
    """Lines about one study: each begin and end, and what is under way. Its slots are threads."""

    def __init__(
        self,
        config: StudyConfig,
        runs: Sequence[Run],
        slots: int = 1,
        line: LiveLine | None = None,
        stopping: Callable[[], bool] = lambda: False,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Begin with the `runs` on record; `slots` trainings run at a time.

        `stopping` tells whether the study was asked to stop.
        """
        self._config = config
        self._slots = slots
        self._line = line or live_line()
        self._stopping = stopping
        self._now = now
        self._lock = threading.RLock()  # Never held while something is written.
        self._runs = {run.job.id: run for run in runs}  # By id: one tried again keeps its name.
        self._places = {run.job.id: i for i, run in enumerate(runs, start=1)}
        self._at_work: dict[str, _AtWork] = {}
        self._budget = Budget(config.limits)
        self._learn()

    def say(self, text: str) -> None:
        """Print a line of its own."""
        self._line.say(text)

    def begin(self) -> None:
        """Say what is ahead, and show from now on what is under way."""
        if any(run.end is None for run in self._runs.values()) or self._total > len(self._runs):
            self.say(f"{self._study()}\n{TWO_SCORES}")
        self._line.doing("choosing what to train next")
        self._line.show(self.lines)

    def trial_begins(self, job: Job, resumed: bool, at_work: bool = False) -> None:
        """Announce a trial; `at_work`: its child has been training all along."""
        with self._lock:
            before = next(
                (run for run in standing(self._runs.values()) if _is_before(run, job)), None
            )
            self._places.setdefault(job.id, len(self._places) + 1)
            self._at_work[job.id] = _AtWork(job, self._now(), at_work)
            self._runs[job.id] = self._at_work[job.id].run()
            self._learn()
            again = f" (once more, after {numbered(before.job)} failed)" if before else ""
            again = " (taken up again)" if resumed else again
            text = f"{self._head(job)}{again}: {job.changed}"
        self.say(text)

    def trial_event(self, job: Job, event: Event) -> None:
        """Show one event of a trial."""
        with self._lock:
            mine = self._at_work[job.id]
            mine.log.append(event)
            self._runs[job.id] = mine.run()
            if isinstance(event, Finished | Failed) or self._taken.closing is None:
                self._learn()  # Else not at each of a thousand epochs.
            lines = []
            match event:
                case Finished():
                    lines = [self._finished(job, event)]
                case Failed():
                    lines = [f"{self._head(job)} failed: {event.kind}, {event.message}"]
                case Lost() if mine.is_news(event):
                    lines = [f"{self._head(job)}: {loss_in_words(event, len(mine.run().epochs))}"]
                case Started() if event.attempt > 1 and mine.is_news(event):
                    lines = [f"{self._head(job)}: {_goes_on(event)}"]
                case Epoch() | Phase():
                    due = not self._line.on_terminal and self._line.quiet_for(QUIET_SECONDS)
                    lines = [f"{self._under_way(mine)}; {self._left()}"] if due else []
        for text in lines:
            self.say(text)
        self._line.refresh()

    def trial_ended(self, run: Run) -> None:
        """Take a training from the lines: its end is on record everywhere."""
        with self._lock:
            self._runs[run.job.id] = run
            del self._at_work[run.job.id]
        self._line.doing("choosing what to train next")

    def asked_again(self, run: Run) -> None:
        """Announce that a failed run, whose log now says so, is tried again."""
        with self._lock:
            self._runs[run.job.id] = run
            self._places.setdefault(run.job.id, len(self._places) + 1)
            self._learn()
            reason = run.asked_again.reason if run.asked_again else ""
            failed = f"{run.failed.kind}, {run.failed.message}" if run.failed else "no word"
            text = f"{self._head(run.job)} failed before ({failed}): is tried again"
        self.say(f"{text}; {reason}" if reason else text)

    def stopped(self) -> None:
        """Say what an interruption leaves."""
        with self._lock:
            left = [self._place(mine) for mine in self._at_work.values() if not mine.run().end]
            ended = sum(run.end is not None for run in self._runs.values())
            text = f"stopped: {ended} of at most {self._total} trainings have ended"
        self._line.doing("stopping")
        self._line.show(list)
        self.say("; left to be taken up again: ".join([text, ", ".join(left)] if left else [text]))

    def lines(self) -> list[str]:
        """Return what is shown now: a line for each training under way, and one for the study."""
        with self._lock:
            works = list(self._at_work.values())
            found = [self._under_way(mine) for mine in works if not mine.is_paused]
            return [*found, self._study()] if works else []

    def _learn(self) -> None:
        """Learn from the runs, as they are now, what all takes and what is to come."""
        runs = list(self._runs.values())
        self._taken = measured(self._config, runs)
        names = [mine.job.name for mine in self._at_work.values()]
        expected = expected_seconds(self._config, runs, self._taken)
        self._ahead = ahead(self._config, runs, self._taken, names, self._now(), expected)
        self._total = len(runs) + len(self._ahead.seconds)

    def _left(self) -> str:
        now = self._now()
        under_way = [
            self._taken.left(mine.job.config, mine.so_far(), now) for mine in self._at_work.values()
        ]
        limits, used = self._config.limits, self._budget.used(self._runs.values())
        end = end_of(limits, used, under_way, self._ahead, self._slots, now)
        return end.in_words(self._taken)

    def _study(self) -> str:
        ended = sum(run.end is not None for run in self._runs.values())
        counted = f"{ended} of at most {self._total} trainings ended"
        if self._stopping():
            return f"study {self._config.name}: stopping; {counted}"
        return f"study {self._config.name}: {counted}; {self._left()}"

    def _under_way(self, mine: _AtWork) -> str:
        """Return what a training does, its live score, and how long it still takes."""
        job, now = mine.job, self._now()
        found = mine.so_far()
        text = f"{self._head(job)}: {phase_in_words(found, job)} {duration(now - found.since)}"
        last = self._runs[job.id].last_epoch
        if last and found.end is None:
            beside = live_beside(job, last.epoch, self._runs.values())
            text += f"; live {in_words(last.score, beside)}"
        if self._taken.epoch is not None and found.end is None:
            text += f"; {duration(self._taken.left(job.config, found, now))} left"
        return text

    def _finished(self, job: Job, event: Finished) -> str:
        best, goal = event.metrics, metric_named(job.objective).label
        missed = event.pictures_missed
        pictures = f"; pictures not drawn: {missed}, see its train.log" if missed else ""
        score = in_words(best[f"best/{job.objective}"], scored_beside(job, self._runs.values()))
        return (
            f"{self._head(job)} {event.outcome} after {event.epochs} epochs in "
            f"{duration(event.train_seconds)}: scored {goal} {score}, right level "
            f"{best['best/right_level_rate']:.0%}{pictures}"
        )

    def _place(self, mine: _AtWork) -> str:
        return f"{mine.job.name} ({phase_in_words(mine.so_far(), mine.job)})"

    def _head(self, job: Job) -> str:
        return f"[{self._places[job.id]}/{self._total}] {job.name}"


def _is_before(run: Run, job: Job) -> bool:
    return run.name == job.name and run.job.number < job.number and run.failed is not None


def _goes_on(event: Started) -> str:
    after = f" after epoch {event.resumed_from_epoch}" if event.resumed_from_epoch else " anew"
    parts = f", {in_parts(event.split)}" if event.split > 1 else ""
    return f"goes on with attempt {event.attempt}{after}{parts}"


def phase_in_words(found: Spent, job: Job) -> str:
    """Return what a training is at: "training, epoch 3 of 3", "scoring"."""
    if found.end is not None:
        return "recording"  # The driver's part of it: what it left goes to MLflow.
    if found.phase == "training":
        return f"training, epoch {min(found.epochs + 1, job.config.epochs)} of {job.config.epochs}"
    return found.phase
