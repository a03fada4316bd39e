"""Runs a study: baseline first, then the variants, then the search, all from one queue."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spineseg.config.study import StudyConfig
from spineseg.data.audit import load_audit
from spineseg.data.labelled import read_films
from spineseg.data.manifest import Dataset
from spineseg.data.merge import prepare_dataset
from spineseg.diagnosis import of_baseline
from spineseg.errors import ConfigError, RunError
from spineseg.kept_plan import keep_plan, planned_now
from spineseg.lease import Lease
from spineseg.limits.beginnings import Beginnings
from spineseg.limits.budget import Budget
from spineseg.limits.deadline import refuse_past
from spineseg.live_line import doing
from spineseg.places import StudyPlaces
from spineseg.prediction.numbering.columns import learnt_from
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.progress import Progress
from spineseg.prune_audit import put_on_record
from spineseg.report.audit_page import audit_page
from spineseg.retry import ask_again
from spineseg.run_times import Rates
from spineseg.runs import Run, read_runs
from spineseg.seal.in_training import refuse_opened_in_training
from spineseg.standing import standing
from spineseg.study_checks import check_study, check_weights
from spineseg.study_config import keep_study_config
from spineseg.study_record import keep_data_record
from spineseg.tracking.address import refuse_bad_address
from spineseg.training.executors.chosen import chosen_executor
from spineseg.training.executors.left import end_left, ending_all_on_signals
from spineseg.training.executors.protocol import Executor
from spineseg.training.steps import few_steps
from spineseg.trials import OF_ITSELF, again, numbering_of, refuse_another
from study.control_loop import ControlLoop, Running
from study.memory import Memory
from study.optuna_database import study_held
from study.optuna_store import first_free_number
from study.told import Told

log = logging.getLogger(__name__)
_EXIT_SECONDS, _STOPPED_SECONDS = 15.0, 3.0  # A store is waited for so long while it takes nothing.


def run_study(config: StudyConfig, where: Path, executor: Executor | None = None) -> bool:
    """Run the study, or go on with it, to the end of its budget; return whether it got there.

    False where it was interrupted (Ctrl-C, SIGTERM): the next call goes on. Raises SpinesegError
    where the config, the record, the data or the weights do not allow it, before anything trains;
    RunError where going on would be waste.
    """
    check_study(config, where)
    refuse_bad_address(config.store.mlflow_uri)
    places = StudyPlaces(config.store.root, config.name)
    made: list[Executor] = [executor] if executor else []

    def the_executor() -> Executor:
        if not made:
            made.append(chosen_executor(config, places))
        return made[0]

    with places.lock():
        try:
            held = study_held(config, log.warning)
            with ending_all_on_signals(the_executor, places), held as lease:
                return _run(config, places, where, the_executor(), lease)
        finally:
            for each in made:
                each.close()


def _run(
    config: StudyConfig, places: StudyPlaces, where: Path, executor: Executor, lease: Lease
) -> bool:
    try:
        refuse_past(config.limits, time.time())
    except ConfigError:
        if config.limits.at_deadline == "checkpoint":  # The study has to be at rest.
            end_left(executor, places)
        raise
    runs = read_runs(places.folder)
    doing("looking at the data")
    dataset = prepare_dataset(config.data, places.data)
    load_audit(dataset).refuse_leaks(config.data.accept_leaks)
    refuse_opened_in_training(places.root, dataset)
    refuse_another(config, runs, dataset.fingerprint)
    check_weights(config)
    keep_study_config(config, places, where)
    keep_plan(places, planned_now(config, Rates(config.baseline), "no timing was made"), runs)
    keep_data_record(places, dataset, [audit_page(dataset)])
    for run in runs:
        if run.end is not None:
            put_on_record(run)  # Where a driver was killed before it did.
    spent = Budget(config.limits).spent(runs)
    told_again = [] if spent else [ask_again(run, OF_ITSELF) for run in again(runs, config)]
    runs = read_runs(places.folder) if told_again else runs
    _refuse_without_baseline(config, runs)
    doing("asking Optuna's database")
    memory = Memory(config, runs, first_free_number(config, runs, log.warning))
    interrupted = threading.Event()
    progress = Progress(config, runs, max(1, len(executor.slots())), stopping=interrupted.is_set)
    told = Told(config, places, dataset, runs, lease, progress.say)
    progress.begin()
    for run in told_again:
        progress.asked_again(run)
    for run in runs if config.devices.trials_per_device == "auto" else ():
        for epoch in run.epochs[-1:]:
            executor.learn(run.job, epoch)
    if warning := few_steps(config.baseline, dataset.manifest.count("train")):
        progress.say(warning)
    running = Running(
        config=config,
        places=places,
        dataset=dataset,
        numbering=numbering_learnt(config, dataset),
        executor=executor,
        memory=memory,
        progress=progress,
        runs={run.job.number: run for run in runs},
        beginnings=Beginnings(config, places, progress.say),
        news=told.news,
        check=told.check,
        interrupted=interrupted,
    )
    seconds = _STOPPED_SECONDS
    try:
        with _stopping_on_signals(interrupted):
            ControlLoop(running).run()
            if interrupted.is_set():
                progress.stopped()
            else:
                seconds = _EXIT_SECONDS
    finally:
        told.close(seconds)
    return not interrupted.is_set()


def _refuse_without_baseline(config: StudyConfig, runs: list[Run]) -> None:
    """Raise RunError where the baseline failed, and nobody has asked for it again."""
    for run in standing(runs):
        if run.job.kind == "baseline" and run.failed and run.asked_again is None:
            raise RunError(of_baseline(run.job, run.failed, config))


def numbering_learnt(config: StudyConfig, dataset: Dataset) -> NumberingModel:
    """Return how the study numbers, with what its training films say of columns."""
    whole = {e.name for e in dataset.manifest.entries if e.part == "train" and not e.augmented}
    films = [film for film in read_films(dataset.folder, "train") if film.path.name in whole]
    return numbering_of(config).model_copy(update={"columns": learnt_from(films)})


@contextmanager
def _stopping_on_signals(interrupted: threading.Event) -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into `interrupted`, so that every trial is left resumable.

    A second Ctrl-C waits for no training; a second SIGTERM may be the first, passed on by `make`.
    """

    def stop(number: int, _: object) -> None:
        if interrupted.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
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
