"""One trial, start to end: a child process trains, its events become Optuna's and MLflow's."""

from __future__ import annotations

import errno
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from threading import Event as Flag
from typing import Protocol

import optuna
from optuna.trial import TrialState

from spineseg.errors import RecordError
from spineseg.events import Epoch, Event, EventReader, Failed, Finished, append_event
from spineseg.job import Job
from spineseg.training.control import LOG_FILE, ask_to_stop, is_judged, let_go_on
from spineseg.training.devices import Device
from spineseg.training.launcher import Child

POLL_SECONDS = 0.1
MAX_RESTARTS = 2


class Starts(Protocol):
    """What starts training children: the launcher, or a stand-in in tests."""

    def start(self, run_folder: Path, device: Device) -> Child:
        """Start or adopt the child of `run_folder`."""


class Projects(Protocol):
    """What carries a run's events to the tracking store."""

    def sync(self, *, force: bool = False) -> bool:
        """Carry over what is new; False where the store did not take it."""


class Interrupted(Exception):
    """The study was told to stop; the trial stays open and can be taken up again."""


def run_trial(
    trial: optuna.Trial,
    job: Job,
    run_folder: Path,
    device: Device,
    *,
    launcher: Starts,
    projection: Projects,
    on_event: Callable[[Event], None],
    interrupted: Flag,
) -> Finished | Failed:
    """Run the training of a job on record, or go on with it, and return how it ended.

    Each epoch's score is reported to `trial`; of a searched one it is then said whether it goes on,
    or stops there because the pruner gives it up: no later epoch counts before. A child that dies
    without a word is started again from its last whole epoch, at most MAX_RESTARTS times. Raises
    Interrupted where `interrupted` is set meanwhile, RecordError where the run's folder is moved
    away, and OSError where the disk is full: the trial stays open then.
    """
    place = run_folder.stat().st_ino
    reader = EventReader(run_folder, job.id)
    reported = dict(_frozen(trial).intermediate_values)
    child: Child | None = None
    restarts = 0
    try:
        while True:
            _refuse_moved(run_folder, place)
            for event in reader.new_events():
                on_event(event)
                match event:
                    case Finished() | Failed():
                        projection.sync(force=True)
                        return event
                    case Epoch():
                        _report(trial, event, reported, job)
                        if job.kind == "search" and not is_judged(run_folder, event.epoch):
                            judge = ask_to_stop if _hopeless(trial, event, job) else let_go_on
                            judge(run_folder, event.epoch)
            projection.sync()
            if interrupted.is_set():
                raise Interrupted(job.name)
            if child is None:
                child = launcher.start(run_folder, device)
            elif not child.is_alive():
                if _ended(run_folder, job):
                    continue  # Its last words came between our reading and its end.
                if child.found_no_space:
                    raise OSError(errno.ENOSPC, "no space left", str(run_folder))
                _refuse_moved(run_folder, place)
                if restarts == MAX_RESTARTS:
                    message = _died(restarts + 1, child, run_folder)
                    append_event(run_folder, Failed(run=job.id, kind="killed", message=message))
                    continue
                restarts += 1
                child = launcher.start(run_folder, device)
            time.sleep(POLL_SECONDS)
    except BaseException:  # Whatever ends the driver's care of it: nobody would hear the child.
        if child is not None:
            child.kill()
        raise


def _died(times: int, child: Child, run_folder: Path) -> str:
    how = f" (last: {child.ended_by})" if child.ended_by else ""
    log = run_folder / LOG_FILE
    return f"the training process died {times} times without a word{how}; see {log}"


def _refuse_moved(run_folder: Path, place: int) -> None:
    """Raise RecordError where the folder is no longer the one that the run began in."""
    try:
        there = run_folder.stat().st_ino
    except FileNotFoundError:
        there = None
    if there != place:
        raise RecordError(
            f"{run_folder}: was moved or replaced while its run was at work, which was stopped; "
            "put it back in place and run again"
        )


def _ended(run_folder: Path, job: Job) -> bool:
    events = EventReader(run_folder, job.id).new_events()
    return any(isinstance(event, Finished | Failed) for event in events)


def _report(trial: optuna.Trial, event: Epoch, reported: dict[int, float], job: Job) -> None:
    value = event.score(job.objective)
    if event.epoch not in reported:
        trial.report(value, event.epoch)
    elif reported[event.epoch] != value:
        # Trained again after a death, and `report` passes over a step that it knows: only the
        # storage takes the later value, and knows the trial by the id in this field alone.
        trial.storage.set_trial_intermediate_value(trial._trial_id, event.epoch, value)
    reported[event.epoch] = value


def _hopeless(trial: optuna.Trial, event: Epoch, job: Job) -> bool:
    return event.epoch < job.config.epochs and trial.should_prune()


def _frozen(trial: optuna.Trial) -> optuna.trial.FrozenTrial:
    return trial.study.get_trials(deepcopy=False)[trial.number]


def tell(study: optuna.Study, trial: optuna.Trial, end: Finished | Failed, objective: str) -> None:
    """Close the Optuna trial with the same word that the log has."""
    state, values = TrialState.FAIL, None
    if isinstance(end, Finished):
        state = TrialState.COMPLETE if end.outcome == "completed" else TrialState.PRUNED
        values = end.metrics[f"best/{objective}"] if end.outcome == "completed" else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study.tell(trial, values, state=state)
