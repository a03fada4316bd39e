"""Runs a study: baseline first, then the variants, then the search, all from one queue."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import optuna

from spineseg.config.study import StudyConfig
from spineseg.data.audit import load_audit
from spineseg.data.labelled import read_films
from spineseg.data.manifest import Dataset
from spineseg.data.merge import prepare_dataset
from spineseg.film_pictures import picture_names, shown_films
from spineseg.job import Job
from spineseg.live_line import doing
from spineseg.places import StudyPlaces
from spineseg.prediction.numbering.columns import learnt_from
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.progress import Progress
from spineseg.report.audit_page import audit_page
from spineseg.report.study_note import Ended, running_note
from spineseg.runs import Run, read_runs
from spineseg.study_config import keep_study_config
from spineseg.study_record import keep_data_record
from spineseg.tracking.projection import RunProjection
from spineseg.tracking.store import TrackingStore, open_store
from spineseg.tracking.tracked_runs import write_study_note
from spineseg.tracking.views.written import write_views
from spineseg.training.control import is_running
from spineseg.training.devices import Device, chosen_devices
from spineseg.training.launcher import Launcher
from spineseg.training.steps import few_steps
from spineseg.trials import (
    certain_trials,
    confirmations,
    most_trainings,
    numbering_of,
    refuse_another,
)
from study.checks import check_study, check_weights
from study.jobs import new_job, recorded_job
from study.objective import Interrupted, Starts, run_trial, tell
from study.optuna_store import open_study, study_held, usable
from study.stores import ended, fill_mlflow
from study.trial_queue import Taken, enqueue, may_wait, next_trial, set_pruner


@dataclass
class _Running:
    """What the trials of one running study share."""

    config: StudyConfig
    places: StudyPlaces
    runs: list[Run]  # on record when the study was taken up
    study: optuna.Study
    dataset: Dataset
    store: TrackingStore
    parent_run: str
    numbering: NumberingModel
    launcher: Starts
    slots: list[Device]
    progress: Progress
    interrupted: threading.Event
    projections: list[RunProjection] = field(default_factory=list)
    asking: threading.Lock = field(default_factory=threading.Lock)
    taken: set[int] = field(default_factory=set)
    ended: list[Ended] = field(default_factory=list)


def run_study(config: StudyConfig, where: Path, launcher: Starts | None = None) -> bool:
    """Run the study, or go on with it, to the end of its budget; return whether it got there.

    False where it was interrupted (Ctrl-C, SIGTERM): the next call goes on. Raises SpinesegError
    where the config, the record, the data or the weights do not allow it, before anything trains.
    """
    check_study(config, where)
    places = StudyPlaces(config.store.root, config.name)
    with places.lock(), usable(config), study_held(config, doing):
        running = _taken_up(config, places, where, launcher)
        if warning := few_steps(config.baseline, running.dataset.manifest.count("train")):
            running.progress.say(warning)
        with _stopping_on_signals(running.interrupted):
            _work(running)
            if not running.interrupted.is_set():
                again = confirmations(read_runs(places.folder), config)
                if enqueue(running.study, config, again):
                    _work(running)
        if running.interrupted.is_set():
            running.progress.stopped()
        missed = [p for p in running.projections if not p.sync(force=True)]
        if missed:
            running.progress.say(
                f"MLflow did not take all of {len(missed)} runs; the same command tries again"
            )
    return not running.interrupted.is_set()


def _taken_up(
    config: StudyConfig, places: StudyPlaces, where: Path, launcher: Starts | None
) -> _Running:
    """Return the study ready to run: record checked, data there, both stores filled."""
    runs = read_runs(places.folder)
    devices = chosen_devices(config.devices.device)
    slots = [device for device in devices for _ in range(config.devices.known_per_device)]
    doing("looking at the data")
    dataset = prepare_dataset(config.data, places.data)
    load_audit(dataset).refuse_leaks(config.data.accept_leaks)
    refuse_another(config, runs, dataset.fingerprint)
    check_weights(config)
    keep_study_config(config, places, where)
    doing("opening the stores")
    keep_data_record(places, dataset, [audit_page(dataset)])
    wanted = [*certain_trials(config), *confirmations(runs, config)]
    study = open_study(config, runs, lambda told: may_wait(told, wanted, config))
    enqueue(study, config, certain_trials(config))
    set_pruner(study, config)
    store = open_store(places.root, config.store.mlflow_uri)
    interrupted = threading.Event()
    progress = Progress(config, runs, len(slots), stopping=interrupted.is_set)
    parent, missed = fill_mlflow(store, config, places, dataset.manifest, runs)
    if missed:
        progress.say(f"MLflow did not take {len(missed)} runs on record; the next command tries")
    write_views(store, config, picture_names(shown_films(dataset.manifest)))
    progress.begin()
    return _Running(
        config=config,
        places=places,
        runs=runs,
        study=study,
        dataset=dataset,
        store=store,
        parent_run=parent,
        numbering=_numbering(config, dataset),
        launcher=launcher or Launcher(places.trainer),
        slots=slots,
        progress=progress,
        interrupted=interrupted,
        ended=[ended(run.job, run.end) for run in runs if run.end],
    )


def _numbering(config: StudyConfig, dataset: Dataset) -> NumberingModel:
    """Return how the study numbers, with what its training films say of columns."""
    whole = {e.name for e in dataset.manifest.entries if e.part == "train" and not e.augmented}
    films = [film for film in read_films(dataset.folder, "train") if film.path.name in whole]
    return numbering_of(config).model_copy(update={"columns": learnt_from(films)})


def _work(running: _Running) -> None:
    """Let one thread per slot take trials until none is left; the first error ends all."""
    with ThreadPoolExecutor(len(running.slots)) as pool:
        futures = [pool.submit(_take_trials, running, device) for device in running.slots]
        wait(futures)
    for future in futures:
        future.result()


def _take_trials(running: _Running, device: Device) -> None:
    try:
        while not running.interrupted.is_set():
            with running.asking:
                taken = next_trial(running.study, running.config, running.runs, running.taken)
                job = _job(running, taken) if taken else None
            if taken is None or job is None:
                return
            _run_one(running, taken, job, device)
    except Interrupted:
        return
    except BaseException as error:
        if running.interrupted.is_set() and isinstance(error, EOFError | ConnectionError):
            return  # Ctrl-C reached what starts the children before it was ready.
        running.interrupted.set()  # The other slots must not go on for hours before it shows.
        raise


def _job(running: _Running, taken: Taken) -> Job:
    asked = new_job(
        running.config,
        running.places,
        running.dataset,
        running.numbering,
        taken.spec,
        number=taken.trial.number,
        parameters=taken.trial.params,
    )
    return recorded_job(asked, running.places)


def _run_one(running: _Running, taken: Taken, job: Job, device: Device) -> None:
    folder = running.places.folder / job.folder_name
    projection = RunProjection(running.store, lambda: running.parent_run, folder, job)
    running.projections.append(projection)
    running.progress.trial_begins(job, taken.resumed, is_running(folder))
    if len(running.projections) == 1:
        _note(running)
    end = run_trial(
        taken.trial,
        job,
        folder,
        device,
        launcher=running.launcher,
        projection=projection,
        on_event=lambda event: running.progress.trial_event(job, event),
        interrupted=running.interrupted,
    )
    with running.asking:
        tell(running.study, taken.trial, end, job.objective)
    running.ended.append(ended(job, end))
    _note(running)
    running.progress.trial_ended(job)


def _note(running: _Running) -> None:
    """Let the study's page in MLflow open with how far it is."""
    synthetic, most = running.dataset.manifest.synthetic, most_trainings(running.config)
    note = running_note(running.config, synthetic, running.ended, most)
    write_study_note(running.store, running.parent_run, note, running=True)


@contextmanager
def _stopping_on_signals(interrupted: threading.Event) -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into `interrupted`, so that every trial is left resumable."""

    def stop(*_: object) -> None:
        interrupted.set()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
