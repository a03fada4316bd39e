"""The control loop: attempts polled, epochs judged, ends told, slots filled; waits for nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from spineseg.config.study import StudyConfig
from spineseg.data.manifest import Dataset
from spineseg.diagnosis import of_baseline, repeated
from spineseg.errors import RecordError, RunError
from spineseg.events import Epoch, Event, Failed, Finished
from spineseg.job import Job
from spineseg.limits.beginnings import Beginnings
from spineseg.limits.watchdog import Watch, longest_epoch
from spineseg.places import StudyPlaces
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.progress import Progress
from spineseg.recorded_job import new_job, recorded_job
from spineseg.runs import Run, read_run
from spineseg.training.executors.left import ending_left_on_errors
from spineseg.training.executors.protocol import Executor
from spineseg.training.slot import Slot
from spineseg.trials import TrialSpec
from spineseg.two_steps import chosen_in_words, is_more_to_come, is_paused, kept_names
from study.at_work import AtWork, end_all
from study.memory import Memory, tell
from study.trial_queue import next_trial, place

POLL_SECONDS = 0.1
_IDLE_AFTER_SECONDS, _IDLE_SECONDS = 5.0, 0.4  # Epochs of minutes need no ten looks a second.
_SLOTS_SECONDS = 1.0  # Between two looks for nodes that came or went.
_LATEST = 9  # Runs by whose epochs it is judged whether another's takes too long.
_DRY_SECONDS = 2.0  # Between two looks for what comes next, where nothing ended meanwhile.


@dataclass
class Running:
    """What a running study has: what it is, where it trains, who is told."""

    config: StudyConfig
    places: StudyPlaces
    dataset: Dataset
    numbering: NumberingModel
    executor: Executor
    memory: Memory
    progress: Progress
    runs: dict[int, Run]  # By number: all on record, as far as their logs have been read.
    beginnings: Beginnings
    news: Callable[[Run], None]  # Called with a run that has something new, its end included.
    check: Callable[[], None]  # Called at each turn; raises what ends the study.
    interrupted: threading.Event = field(default_factory=threading.Event)


class ControlLoop:
    """Runs a study to the end of its budget, all of it in the thread that calls `run`."""

    def __init__(self, running: Running) -> None:
        """Prepare to go on with what is on record."""
        self._has = running
        self._at_work: list[AtWork] = []
        self._left = [run for run in running.runs.values() if run.end is None]  # Interrupted.
        self._avoid: dict[int, Slot] = {}  # Number of a run -> slot where memory was short.
        self._slots: list[Slot] = []
        self._slots_at = self._dry_until = 0.0
        self._told_of_slots = False

    def run(self) -> None:
        """Train until nothing is left, or `interrupted` is set; what is at work is ended then.

        Raises what `check` raises, RunError where going on would be waste, RecordError where a
        folder is moved away, and OSError where the disk is full: every trial stays resumable.
        """
        try:
            with ending_left_on_errors(self._has.executor, self._has.places):
                self._adopt()
            self._go_on()
        except (EOFError, ConnectionError):
            if not self._has.interrupted.is_set():
                raise  # Else Ctrl-C reached what starts the children before it was ready.
        finally:  # Whatever ends the driver's care of them: nobody would hear the children.
            end_all(self._at_work, self._has.news)

    def _go_on(self) -> None:
        quiet_since = time.monotonic()
        while not self._has.interrupted.is_set():
            self._has.check()
            if self._has.beginnings.is_over():
                return
            turns = [self._turn(work) for work in list(self._at_work)]
            if self._has.interrupted.is_set():
                return
            free = self._free_slots()
            begun = [slot for slot in free if self._put_to_work(slot)]
            news = self._choose(idle=bool(free) and not begun) or bool(begun) or any(turns)
            if (
                not self._at_work
                and not news
                and (self._slots or (not self._left and not self._next_run()))
            ):
                return
            self._tell_of_slots()
            now = time.monotonic()
            quiet_since = now if news else quiet_since
            time.sleep(_IDLE_SECONDS if now - quiet_since > _IDLE_AFTER_SECONDS else POLL_SECONDS)

    def _choose(self, *, idle: bool) -> bool:
        """Choose which paused trials go on, once no other can come to them; `idle`: none begins."""
        search, runs = self._has.config.search, list(self._has.runs.values())
        works = [work for work in self._at_work if work.job.kind == "search"]
        if not works or not all(work.is_paused and not work.has_attempt for work in works):
            return False
        if not idle and is_more_to_come(search, runs, self._left):
            return False
        kept = kept_names(runs, search)
        for work in works:
            work.choose(work.job.name in kept)
        self._has.progress.say(chosen_in_words([work.job.name for work in works], kept))
        return True

    def _tell_of_slots(self) -> None:
        """Say once that no slot is there: nodes may be away, or others' trainings on them."""
        if not self._slots and not self._at_work and not self._told_of_slots:
            self._has.progress.say("no device is free or there now; waiting for one")
        self._told_of_slots = not self._slots

    def _adopt(self) -> None:
        """Take up every run that is at work still: a dead driver's, in the slots where they are."""
        for run in list(self._left):
            slot = self._has.executor.at_work(run.folder)
            if slot is not None:
                self._left.remove(run)
                self._take_up(run, resumed=True, at_work=True).adopt(self._has.executor, slot)
            elif is_paused(run, self._has.config.search):
                self._left.remove(run)  # It waits for the others, and for no slot.
                self._take_up(self._again_recorded(run), resumed=True)

    def _take_up(self, run: Run, *, resumed: bool, at_work: bool = False) -> AtWork:
        progress = self._has.progress
        progress.trial_begins(run.job, resumed, at_work)
        trial = self._has.memory.trial(run)
        hear, watch = partial(self._heard, run.job), partial(self._watch, run)
        work = AtWork(run, trial, self._has.config.search, hear, watch)
        self._at_work.append(work)
        work.read()
        self._has.news(work.run)
        return work

    def _heard(self, job: Job, event: Event) -> None:
        self._has.progress.trial_event(job, event)
        if isinstance(event, Epoch) and (told := self._has.executor.learn(job, event)):
            self._has.progress.say(told)
            self._slots_at = 0.0

    def _watch(self, run: Run) -> Watch:
        latest, expected = list(self._has.runs.values())[-_LATEST:], 0.0
        with suppress(RecordError):  # One that was tidied away tells nothing.
            expected = longest_epoch(run.job.config, latest)
        here = run.folder if self._has.config.devices.executor == "local" else None
        limits = self._has.config.limits
        return Watch(limits, time.monotonic(), longest_epoch=expected, run_folder=here)

    def _turn(self, work: AtWork) -> bool:
        """Take in what is new of a run, and its end; return whether there was anything."""
        had_attempt = work.has_attempt
        news = work.step()
        ended = work.end is not None and not work.has_attempt
        if not news and not ended:
            return False
        run = read_run(work.folder) if ended else work.run  # Its figures need not stay in memory.
        self._has.runs[work.job.number] = run
        self._has.news(run)
        if ended and work.end is not None:
            self._ended(work, run, work.end)
        elif had_attempt and not work.has_attempt and work.slot is not None:
            self._slots_at = self._dry_until = 0.0  # Its node may be gone, or its disk full.
            following = work.next()
            if following is not None and following.elsewhere:
                self._avoid[work.job.number] = work.slot
        return True

    def _ended(self, work: AtWork, run: Run, end: Finished | Failed) -> None:
        self._at_work.remove(work)
        self._dry_until = 0.0
        tell(self._has.memory.study, work.trial, end, work.job.objective)
        self._has.progress.trial_ended(run)
        if isinstance(end, Failed):
            if work.job.kind == "baseline":
                raise RunError(of_baseline(work.job, end, self._has.config))
            if told := repeated(run, self._has.runs.values(), self._has.config):
                raise RunError(told)

    def _put_to_work(self, slot: Slot) -> bool:
        work = self._for(slot)
        following = work.next() if work else None
        if work is None or following is None:
            return work is not None  # Given up by its next turn.
        work.begin(self._has.executor, slot, following)
        self._avoid.pop(work.job.number, None)
        return True

    def _for(self, slot: Slot) -> AtWork | None:
        """Return what is to train in a slot: what waits for one, what was interrupted, the next."""
        for work in self._at_work:
            avoided = self._avoids(work, slot)
            if work.is_waiting and not avoided and self._fits(work.job, slot):
                return work
        if time.monotonic() < self._dry_until:
            return None
        runs = list(self._has.runs.values())
        run = self._again_recorded(self._left[0]) if self._left else self._next_run()
        if run is None or not self._fits(run.job, slot) or not self._may_train(run, runs):
            self._dry_until = time.monotonic() + _DRY_SECONDS
            return None
        resumed = bool(self._left)
        if resumed:
            del self._left[0]
        else:
            run = self._made(run)
        return self._take_up(run, resumed=resumed)

    def _avoids(self, work: AtWork, slot: Slot) -> bool:
        """Return whether a run waits for another device than this, or another slot of the one."""
        short = self._avoid.get(work.job.number)
        if short is None:
            return False
        if len({each.place for each in self._slots}) > 1:
            return slot.place == short.place
        return slot.name == short.name and len(self._slots) > 1

    def _fits(self, job: Job, slot: Slot) -> bool:
        """Return whether a training may be at work in a slot beside its device's others."""
        others = [
            work.job.config
            for work in self._at_work
            if work.has_attempt and work.slot and work.slot.place == slot.place
        ]
        return self._has.executor.may_share(slot, job.config, others)

    def _may_train(self, run: Run, runs: list[Run]) -> bool:
        beginnings, under_way = self._has.beginnings, [work.job for work in self._at_work]
        return beginnings.may_train(run, runs) and beginnings.has_room(run.job, runs, under_way)

    def _free_slots(self) -> list[Slot]:
        now = time.monotonic()
        if now - self._slots_at >= _SLOTS_SECONDS or not self._slots:
            self._slots, self._slots_at = self._has.executor.slots(), now
        taken = {work.slot.name for work in self._at_work if work.slot and work.has_attempt}
        return [slot for slot in self._slots if slot.name not in taken]

    def _next_run(self) -> Run | None:
        """Return the run that comes next, nothing of it made yet; None where none does."""
        if not self._has.beginnings.may_begin(list(self._has.runs.values())):
            return None
        self._look_for_again()
        spec = next_trial(self._has.config, list(self._has.runs.values()), self._has.memory.trials)
        if spec is None:
            return None
        job = self._asked(spec, self._has.memory.next_number)
        return Run(self._has.places.folder / job.folder_name, job, ())

    def _made(self, run: Run) -> Run:
        """Return a run with its folder, its job on record, and its place among the trials."""
        job = recorded_job(run.job, self._has.places)
        made = Run(run.folder, job, ())
        self._has.runs[job.number] = made
        self._has.memory.begin(made)
        return made

    def _again_recorded(self, run: Run) -> Run:
        """Return a run to be gone on with, its job as it is asked for here and now.

        Raises RecordError, naming both values, where it is not what is asked.
        """
        asked = self._asked(TrialSpec.of_run(run), run.job.number)
        return Run(run.folder, recorded_job(asked, self._has.places), run.log)

    def _asked(self, spec: TrialSpec, number: int) -> Job:
        has = self._has
        return new_job(
            has.config,
            has.places,
            has.dataset,
            has.numbering,
            spec,
            number=number,
            parameters=place(has.config, spec),
        )

    def _look_for_again(self) -> None:
        """Read the failed runs anew: they may have been asked for again meanwhile."""
        for number, run in self._has.runs.items():
            if run.failed is not None:
                with suppress(RecordError):  # Tidied away: it stays what it was.
                    now = read_run(run.folder)
                    self._has.runs[number] = now if now.asked_again else run
