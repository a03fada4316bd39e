"""A training under way: its log followed, its epochs judged, one attempt after another begun."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import optuna

from spineseg.config.search import SearchConfig
from spineseg.errors import RecordError
from spineseg.events import Epoch, Event, EventReader, Failed, Finished, Lost, Paused, append_event
from spineseg.limits.watchdog import Watch
from spineseg.prune_audit import put_on_record, runs_on
from spineseg.recovery import Next, given_up, lose, next_attempt
from spineseg.runs import Run
from spineseg.training.attempts import attempt_on_record
from spineseg.training.control import LOG_FILE, ask_to_stop, is_judged, let_go_on, stop_asked
from spineseg.training.executors.protocol import Attempt, Executor
from spineseg.training.orders import Orders
from spineseg.training.slot import Slot
from spineseg.tries import split
from spineseg.two_steps import is_paused
from study.judging import is_hopeless, report

log = logging.getLogger(__name__)
_HEARD_OUT_SECONDS, _LOOK_SECONDS = 20.0, 0.1
_GOING_SECONDS = 60.0  # For an attempt that has said its end to bring its last files and go.


class AtWork:
    """One run, from its first attempt of this driver to its end."""

    def __init__(
        self,
        run: Run,
        trial: optuna.Trial,
        search: SearchConfig,
        on_event: Callable[[Event], None],
        watch: Callable[[], Watch],
    ) -> None:
        """Take up a run; its log is read from the beginning, `on_event` hears each event.

        `search` says how it is judged; `watch` makes what watches an attempt.
        """
        self.folder, self.job, self.trial = run.folder, run.job, trial
        self.log: list[Event] = []
        self.slot: Slot | None = None
        self._search, self._on_event, self._new_watch = search, on_event, watch
        self._watch: Watch | None = None
        self._gone_by = 0.0  # When one that has said its last word has to be gone.
        self._stalled = ""  # Why the attempt was ended as one that hangs.
        self._attempt: Attempt | None = None
        self._number = 0
        self._reader = EventReader(run.folder, run.job.id)
        self._place = run.folder.stat().st_ino

    @property
    def run(self) -> Run:
        """The run as its log tells it so far."""
        return Run(self.folder, self.job, tuple(self.log))

    @property
    def end(self) -> Finished | Failed | None:
        """How it ended; None while it has not."""
        return next((e for e in self.log if isinstance(e, Finished | Failed)), None)

    @property
    def has_attempt(self) -> bool:
        """Whether an attempt at it is at work, or was and has not been heard out."""
        return self._attempt is not None

    @property
    def is_waiting(self) -> bool:
        """Whether it has no attempt at work and wants one."""
        return self._attempt is None and self.end is None and not self.is_paused

    @property
    def is_paused(self) -> bool:
        """Whether it has trained its first step, and nobody has said yet whether it goes on."""
        return self.end is None and is_paused(self.run, self._search)

    def next(self) -> Next | None:
        """Return the attempt that it wants; None where its log says to give it up."""
        if self.end is not None:
            return None
        batch = self.job.config.batch
        return next_attempt(self.log, batch, attempt_on_record(self.folder))

    def begin(self, executor: Executor, slot: Slot, following: Next) -> None:
        """Begin an attempt in a slot."""
        self._refuse_moved()
        orders = Orders(attempt=following.attempt, split=following.split)
        self._attempt = executor.start(self.folder, orders, slot)
        self.slot, self._number = slot, following.attempt
        self._watch, self._stalled = self._new_watch(), ""
        last = next((e for e in reversed(self.log) if isinstance(e, Epoch)), None)
        if last is not None and self.job.kind == "search" and not self.is_paused:
            self._say(last.epoch)  # It may never have heard it.

    def adopt(self, executor: Executor, slot: Slot) -> None:
        """Take care of the attempt that is at work, whoever started it."""
        number = max(1, attempt_on_record(self.folder))
        self.begin(executor, slot, Next(number, split(self.run), elsewhere=False))
        for event in self.log:
            if self._watch is not None:  # It has begun long ago.
                self._watch.heard(event, time.monotonic())

    def step(self) -> bool:
        """Take in what is new; return whether there was anything.

        An attempt that ended without the run's end is on record as lost then, and gone; where no
        other is to follow, the run is failed. Raises RecordError where the folder is moved away,
        OSError where the disk is full.
        """
        self._refuse_moved()
        alive = self._attempt is not None and self._attempt.is_alive()  # Before its last words.
        news = self.read()
        if alive:
            if self.is_paused:
                self.kill()  # What it trains after its last whole epoch is trained again.
            self._end_if_stalled()
            return news
        attempt, self._attempt = self._attempt, None
        if self.end is not None:
            put_on_record(self.run)  # Only now: while one is at work, it alone writes.
            return news or attempt is not None
        if attempt is not None and self.is_paused:
            append_event(self.folder, Paused(run=self.job.id, epoch=self.run.epoch_count))
            return self.read()
        if attempt is not None:
            if attempt.found_no_space:
                raise OSError(errno.ENOSPC, "no space left", str(self.folder))
            if not self._said_lost():
                self._lose(attempt)
            news = True
        if self.end is None and self.next() is None:
            append_event(self.folder, given_up(self.log, self.job.id, str(self.folder / LOG_FILE)))
            news = self.read()
        return news

    def _lose(self, attempt: Attempt) -> None:
        """Put on record that the attempt is lost, unless its last words were the run's end."""
        kind, message = "node_lost" if attempt.lost else "killed", attempt.ended_by
        if self._stalled:
            kind, message = "stalled", self._stalled
        lose(self.folder, self.job.id, max(1, self._number), kind, message)
        self.read()

    def kill(self) -> None:
        """End what is at work; the last whole epoch stays resumable. Never raises."""
        try:
            if self._attempt is not None:
                self._attempt.kill()
        except Exception:  # The others have to be ended, too.
            log.exception("%s: could not be ended", self.folder.name)

    def is_alive(self) -> bool:
        """Return whether an attempt works still. Never raises."""
        try:
            return self._attempt is not None and self._attempt.is_alive()
        except Exception:
            log.exception("%s: could not be heard out", self.folder.name)
            return False

    def read(self) -> bool:
        """Take in what the log has further; return whether it had anything."""
        before = len(self.log)
        for event in self._reader.new_events():
            self.log.append(event)
            if self._watch is not None:
                self._watch.heard(event, time.monotonic())
            self._on_event(event)
            if isinstance(event, Epoch):
                report(self.trial, event, self.job.objective)
                self._judge(event)
        return len(self.log) > before

    def _end_if_stalled(self) -> None:
        """End an attempt that hangs; why, is put on record when it has been heard out."""
        if self._attempt is None or self._watch is None or self._stalled:
            return
        if self.end is not None:  # It has only to go.
            self._gone_by = self._gone_by or time.monotonic() + _GOING_SECONDS
            if time.monotonic() > self._gone_by:
                self._attempt.kill()
            return
        waits = self._attempt.is_waiting_for_its_place
        self._stalled = self._watch.stalled(time.monotonic(), waits=waits) or ""
        if self._stalled:
            self._attempt.kill()

    def _said_lost(self) -> bool:
        last = self.log[-1] if self.log else None
        return isinstance(last, Lost) and last.attempt == self._number

    def _judge(self, epoch: Epoch) -> None:
        """Say of a searched run whether it goes on: no later epoch counts before."""
        if self.job.kind != "search" or is_judged(self.folder, epoch.epoch) or self.is_paused:
            return
        hopeless = is_hopeless(self.trial, epoch, self.folder, self.job, self._search)
        (ask_to_stop if hopeless else let_go_on)(self.folder, epoch.epoch)
        self._say(epoch.epoch)

    def choose(self, goes_on: bool) -> None:
        """Say of a paused run whether it goes on to the end, or ends where it is."""
        epochs = self.run.epoch_count
        goes_on = goes_on or runs_on(self.folder, self.job, epochs, self._search)
        (let_go_on if goes_on else ask_to_stop)(self.folder, epochs)

    def _say(self, epochs: int) -> None:
        """Tell the attempt how its run was judged: it may be at work elsewhere."""
        if self._attempt is not None:
            stopped = stop_asked(self.folder, epochs)
            (self._attempt.ask_to_stop if stopped else self._attempt.let_go_on)(epochs)

    def _refuse_moved(self) -> None:
        """Raise RecordError where the folder is no longer the one that the run began in."""
        try:
            there: int | None = self.folder.stat().st_ino
        except FileNotFoundError:
            there = None
        if there != self._place:
            raise RecordError(
                f"{self.folder}: was moved or replaced while its run was at work, which was "
                "stopped; put it back in place and run again"
            )


def end_all(works: Sequence[AtWork], news: Callable[[Run], None]) -> None:
    """End all that is at work: told at once, heard out for a while, then ended for good."""
    for work in works:
        work.kill()
    until = time.monotonic() + _HEARD_OUT_SECONDS
    while left := [work for work in works if work.is_alive()]:
        if time.monotonic() > until:
            break
        time.sleep(_LOOK_SECONDS)
    for work in left:
        work.kill()
    for work in works:
        with suppress(RecordError, OSError):  # Its last words came before the kill.
            if work.read():
                news(work.run)
