"""Runs a study: baseline first, then the variants, then the search, all from one queue."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spineseg.config.study import StudyConfig
from spineseg.data.audit import load_audit
from spineseg.data.labelled import read_films
from spineseg.data.manifest import Dataset
from spineseg.data.merge import prepare_dataset
from spineseg.live_line import doing
from spineseg.places import StudyPlaces
from spineseg.prediction.numbering.columns import learnt_from
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.progress import Progress
from spineseg.report.audit_page import audit_page
from spineseg.runs import read_runs
from spineseg.study_config import keep_study_config
from spineseg.study_record import keep_data_record
from spineseg.training.devices import chosen_devices
from spineseg.training.executors.local import LocalExecutor
from spineseg.training.executors.protocol import Executor
from spineseg.training.steps import few_steps
from spineseg.trials import numbering_of, refuse_another
from study.checks import check_study, check_weights
from study.control_loop import ControlLoop, Running
from study.memory import Memory
from study.optuna_store import open_study, usable
from study.stores import fill_mlflow


def run_study(config: StudyConfig, where: Path, executor: Executor | None = None) -> bool:
    """Run the study, or go on with it, to the end of its budget; return whether it got there.

    False where it was interrupted (Ctrl-C, SIGTERM): the next call goes on. Raises SpinesegError
    where the config, the record, the data or the weights do not allow it, before anything trains.
    """
    check_study(config, where)
    places = StudyPlaces(config.store.root, config.name)
    with places.lock(), usable(config):
        running = _taken_up(config, places, where, executor)
        if warning := few_steps(config.baseline, running.dataset.manifest.count("train")):
            running.progress.say(warning)
        with _stopping_on_signals(running.interrupted):
            ControlLoop(running).run()
        if running.interrupted.is_set():
            running.progress.stopped()
        _fill(running)
    return not running.interrupted.is_set()


def _fill(running: Running) -> None:
    from spineseg.tracking.store import open_store

    config, places = running.config, running.places
    runs = read_runs(places.folder)
    open_study(config, runs)
    store = open_store(places.root, config.store.mlflow_uri)
    fill_mlflow(store, config, places, running.dataset.manifest, runs)


def _taken_up(
    config: StudyConfig, places: StudyPlaces, where: Path, executor: Executor | None
) -> Running:
    """Return the study ready to run: record checked, data there."""
    runs = read_runs(places.folder)
    if executor is None:
        devices = chosen_devices(config.devices.device)
        executor = LocalExecutor(places.trainer, devices, config.devices.known_per_device)
    doing("looking at the data")
    dataset = prepare_dataset(config.data, places.data)
    load_audit(dataset).refuse_leaks(config.data.accept_leaks)
    refuse_another(config, runs, dataset.fingerprint)
    check_weights(config)
    keep_study_config(config, places, where)
    keep_data_record(places, dataset, [audit_page(dataset)])
    study = open_study(config, runs)
    first_free = len(study.get_trials(deepcopy=False))
    interrupted = threading.Event()
    progress = Progress(config, runs, len(executor.slots()), stopping=interrupted.is_set)
    progress.begin()
    return Running(
        config=config,
        places=places,
        dataset=dataset,
        numbering=_numbering(config, dataset),
        executor=executor,
        memory=Memory(config, runs, first_free),
        progress=progress,
        runs={run.job.number: run for run in runs},
        news=lambda work: None,
        check=lambda: None,
        interrupted=interrupted,
    )


def _numbering(config: StudyConfig, dataset: Dataset) -> NumberingModel:
    """Return how the study numbers, with what its training films say of columns."""
    whole = {e.name for e in dataset.manifest.entries if e.part == "train" and not e.augmented}
    films = [film for film in read_films(dataset.folder, "train") if film.path.name in whole]
    return numbering_of(config).model_copy(update={"columns": learnt_from(films)})


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
