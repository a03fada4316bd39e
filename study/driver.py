"""Runs a study: baseline first, then the variants, then the search, all from one queue."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import optuna

from spineseg.code_version import code_version
from spineseg.config.study import StudyConfig
from spineseg.data.audit import load_audit
from spineseg.data.labelled import read_films
from spineseg.data.manifest import AUDIT_FILE, MANIFEST_FILE, Dataset
from spineseg.data.merge import prepare_dataset
from spineseg.films import PARTS
from spineseg.job import Job
from spineseg.prediction.numbering.model import NumberingModel, learnt_from
from spineseg.report.audit_page import audit_page
from spineseg.tracking.projection import RunProjection, carried_over
from spineseg.tracking.store import TrackingStore, open_store
from spineseg.tracking.tracked_runs import (
    log_dataset,
    log_study_artifacts,
    open_study_run,
    open_trial_run,
)
from spineseg.training.devices import Device, chosen_devices
from spineseg.training.launcher import Launcher
from spineseg.training.weights import resolve_weights
from study.confirm import confirmation_trials, enqueue_confirmations
from study.objective import Interrupted, Starts, run_trial, tell
from study.plan import check_study, check_weights
from study.progress import Progress
from study.records import Records
from study.trial_queue import (
    Taken,
    TrialSpec,
    certain_trials,
    next_trial,
    numbering_of,
    open_study,
    set_sampler,
    train_config,
)


@dataclass
class _Running:
    """What the trials of one running study share."""

    config: StudyConfig
    records: Records
    study: optuna.Study
    dataset: Dataset
    store: TrackingStore
    parent_run: str
    numbering: NumberingModel
    launcher: Starts
    progress: Progress
    projections: list[RunProjection] = field(default_factory=list)
    interrupted: threading.Event = field(default_factory=threading.Event)
    asking: threading.Lock = field(default_factory=threading.Lock)
    taken: set[int] = field(default_factory=set)


def run_study(config: StudyConfig, where: Path, launcher: Starts | None = None) -> bool:
    """Run the study, or go on with it, to the end of its budget; return whether it got there.

    False where it was interrupted (Ctrl-C, SIGTERM): the next call goes on. Raises SpinesegError
    where the config, the data or the weights do not allow it, before anything trains.
    """
    check_study(config, where)
    records = Records(config)
    with records.lock():
        devices = chosen_devices(config.devices.device)
        dataset = prepare_dataset(config.data, records.data_cache)
        load_audit(dataset).refuse_leaks(config.data.accept_leaks)
        check_weights(config)
        study = open_study(records, dataset.fingerprint)
        set_sampler(study, config)
        store = open_store(records.root, config.store.mlflow_uri)
        running = _Running(
            config=config,
            records=records,
            study=study,
            dataset=dataset,
            store=store,
            parent_run=_parent_run(store, config, dataset),
            numbering=_numbering(config, dataset),
            launcher=launcher or Launcher(records.trainer_cache),
            progress=Progress(config, _budget(config)),
        )
        slots = [d for d in devices for _ in range(config.devices.trials_per_device)]
        _replay(running)
        with _stopping_on_signals(running.interrupted):
            _work(running, slots)
            if not running.interrupted.is_set() and enqueue_confirmations(study, config):
                _work(running, slots)
        missed = [p for p in running.projections if not p.sync(force=True)]
        if missed:
            running.progress.say(
                f"MLflow did not take all of {len(missed)} runs; the same command tries again"
            )
    return not running.interrupted.is_set()


def _budget(config: StudyConfig) -> int:
    """Return how many trainings the study comes to at most."""
    return len(certain_trials(config)) + config.search.trials + confirmation_trials(config)


def _numbering(config: StudyConfig, dataset: Dataset) -> NumberingModel:
    """Return how the study numbers, with what its training films say of columns."""
    whole = {e.name for e in dataset.manifest.entries if e.part == "train" and not e.augmented}
    films = [film for film in read_films(dataset.folder, "train") if film.path.name in whole]
    return numbering_of(config).model_copy(update=learnt_from(films))


def _parent_run(store: TrackingStore, config: StudyConfig, dataset: Dataset) -> str:
    counts = {part: dataset.manifest.count(part) for part in PARTS}
    run_id = open_study_run(
        store,
        config.name,
        tags={
            "data_fingerprint": dataset.fingerprint,
            "synthetic": str(config.synthetic).lower(),
            "objective": config.objective,
            "description": config.description,
        },
        params={
            **{f"images_{part}": count for part, count in counts.items()},
            "variants": len(config.variants),
            "search_trials": config.search.trials,
        },
    )
    _log_data(store, run_id, dataset)
    files = [dataset.folder / name for name in (MANIFEST_FILE, AUDIT_FILE)]
    log_study_artifacts(
        store, run_id, {f"data/{path.name}": path for path in (*files, audit_page(dataset))}
    )
    return run_id


def _log_data(store: TrackingStore, run_id: str, dataset: Dataset) -> None:
    """Name the data in a run's inputs."""
    manifest = dataset.manifest
    log_dataset(
        store,
        run_id,
        name=" + ".join(manifest.source_names),
        fingerprint=manifest.fingerprint,
        source=str(dataset.folder),
        profile=json.dumps({part: manifest.count(part) for part in PARTS}),
    )


def _work(running: _Running, slots: list[Device]) -> None:
    """Let one thread per slot take trials until none is left; the first error ends all."""
    with ThreadPoolExecutor(len(slots)) as pool:
        futures = [pool.submit(_take_trials, running, device) for device in slots]
        wait(futures)
    for future in futures:
        future.result()


def _take_trials(running: _Running, device: Device) -> None:
    try:
        while not running.interrupted.is_set():
            with running.asking:
                taken = next_trial(running.study, running.config, running.taken)
            if taken is None:
                return
            _run_one(running, taken, device)
    except Interrupted:
        return
    except BaseException:
        running.interrupted.set()  # The other slots must not go on for hours before it shows.
        raise


def _run_one(running: _Running, taken: Taken, device: Device) -> None:
    spec, trial = taken.spec, taken.trial
    config = train_config(running.config, spec)
    folder = running.records.run_folder(trial.number, spec.name)
    projection = _projection(running, trial.number, spec)
    running.progress.trial_begins(spec, trial.number, taken.resumed)
    job = Job(
        config=config,
        dataset=running.dataset.folder.resolve(),
        weights=resolve_weights(config, running.records.weights_cache),
        numbering=running.numbering,
    )
    end = run_trial(
        trial,
        spec,
        job,
        folder,
        device,
        config=running.config,
        launcher=running.launcher,
        projection=projection,
        on_event=lambda event: running.progress.trial_event(spec, event, config.epochs),
        interrupted=running.interrupted,
    )
    with running.asking:
        tell(running.study, trial, end, running.config.objective)


def _projection(running: _Running, number: int, spec: TrialSpec) -> RunProjection:
    """Return the way of a trial's log into MLflow; the study holds it until its end."""
    projection = RunProjection(
        running.store,
        lambda: _trial_run(running, number, spec),
        running.records.run_folder(number, spec.name),
    )
    running.projections.append(projection)
    return projection


def _replay(running: _Running) -> None:
    """Carry over what MLflow missed of trials that have ended: it was away, or was deleted."""
    there = carried_over(running.store, running.config.name)
    for frozen in running.study.get_trials(deepcopy=False):
        spec = TrialSpec.of(frozen)
        if frozen.state.is_finished() and spec and _key(running, frozen.number) not in there:
            _projection(running, frozen.number, spec).sync(force=True)


def _key(running: _Running, number: int) -> str:
    return f"{running.config.name}/{number}"


def _trial_run(running: _Running, number: int, spec: TrialSpec) -> str:
    manifest = running.dataset.manifest
    run_id = open_trial_run(
        running.store,
        running.parent_run,
        name=spec.name if spec.kind != "variant" else f"variant {spec.name}",
        key=_key(running, number),
        tags={
            "kind": spec.kind,
            "hypothesis": spec.hypothesis or "",
            "changes": json.dumps(spec.changes),
            "data_fingerprint": manifest.fingerprint,
            "synthetic": str(running.config.synthetic).lower(),
            "code_version": code_version(),
        },
        params=train_config(running.config, spec).model_dump(),
    )
    _log_data(running.store, run_id, running.dataset)
    return run_id


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
