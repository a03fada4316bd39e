"""One trial, start to end: a child process trains, its events become Optuna's and MLflow's."""

from __future__ import annotations

import errno
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from threading import Event as Flag
from typing import Any, Protocol

import optuna
from optuna.trial import TrialState

from spineseg.config.study import StudyConfig
from spineseg.events import Epoch, EventReader, Failed, Finished, Started, append_event
from spineseg.job import Job
from spineseg.training.control import ask_to_stop
from spineseg.training.devices import Device
from spineseg.training.launcher import Child
from study.trial_queue import TrialSpec

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
    spec: TrialSpec,
    job: Job,
    run_folder: Path,
    device: Device,
    *,
    config: StudyConfig,
    launcher: Starts,
    projection: Projects,
    on_event: Callable[[Started | Epoch | Finished | Failed], None],
    interrupted: Flag,
) -> Finished | Failed:
    """Run one trial's training, or go on with it, and return how it ended.

    Each epoch's score is reported to `trial`; a searched trial that the pruner gives up is asked
    to stop. A child that dies without a word is started again from its last whole epoch, at most
    MAX_RESTARTS times. Raises Interrupted where `interrupted` is set meanwhile, and OSError where
    the disk is full: the trial stays open then, too.
    """
    if not (run_folder / "job.json").exists():
        job.write(run_folder)
    reader = EventReader(run_folder)
    reported = set(_frozen(trial).intermediate_values)
    child: Child | None = None
    restarts = 0
    while True:
        for event in reader.new_events():
            on_event(event)
            match event:
                case Finished() | Failed():
                    projection.sync(force=True)
                    return event
                case Epoch():
                    _report(trial, event, reported, config)
                    if spec.kind == "search" and _hopeless(trial, event, job):
                        ask_to_stop(run_folder)
        projection.sync()
        if interrupted.is_set():
            if child is not None:
                child.kill()
            raise Interrupted(spec.name)
        if child is None:
            child = launcher.start(run_folder, device)
        elif not child.is_alive():
            if _ended(run_folder):
                continue  # Its last words came between our reading and its end.
            if child.found_no_space:
                raise OSError(errno.ENOSPC, "no space left", str(run_folder))
            if restarts == MAX_RESTARTS:
                message = f"the training process died {restarts + 1} times without a word"
                append_event(run_folder, Failed(kind="killed", message=message))
                continue
            restarts += 1
            child = launcher.start(run_folder, device)
        time.sleep(POLL_SECONDS)


def _ended(run_folder: Path) -> bool:
    return any(
        isinstance(event, Finished | Failed) for event in EventReader(run_folder).new_events()
    )


def _report(trial: optuna.Trial, event: Epoch, reported: set[int], config: StudyConfig) -> None:
    if event.epoch not in reported:
        trial.report(event.metrics[f"val/{config.objective}"], event.epoch)
        reported.add(event.epoch)


def _hopeless(trial: optuna.Trial, event: Epoch, job: Job) -> bool:
    return event.epoch < job.config.epochs and trial.should_prune()


def _frozen(trial: optuna.Trial) -> optuna.trial.FrozenTrial:
    return trial.study.get_trials(deepcopy=False)[trial.number]


def tell(study: optuna.Study, trial: optuna.Trial, end: Finished | Failed, objective: str) -> None:
    """Close the Optuna trial with the same word that the log has."""
    attributes: dict[str, Any]
    value = None
    if isinstance(end, Failed):
        state = TrialState.FAIL
        attributes = {"outcome": "failed", "failure": end.kind, "failure_message": end.message}
    else:
        value = end.metrics[f"best/{objective}"]
        state = TrialState.COMPLETE if end.outcome == "completed" else TrialState.PRUNED
        attributes = {"outcome": end.outcome, "epochs": end.epochs, f"best/{objective}": value}
    for key, attribute in attributes.items():
        trial.set_user_attr(key, attribute)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study.tell(trial, value if state == TrialState.COMPLETE else None, state=state)
