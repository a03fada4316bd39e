"""One training as the tracking store alone tells it: found by id or name, its record fetched."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from mlflow.entities import Run as TrackedRun
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from spineseg.config.model import SLUG
from spineseg.errors import ConfigError, RecordError, StoreError
from spineseg.events import EVENTS_FILE
from spineseg.job import JOB_FILE, Job
from spineseg.runs import Run, read_run
from spineseg.tracking.store import TrackingStore, refusing, without_password
from spineseg.tracking.study_files import COMMAND, FOLDER
from spineseg.tracking.tracked_runs import JOB_ID, STUDY_KEY

CONFIG_FILE, PACKAGES_FILE = "study.yaml", "requirements.lock"
_RUN_ID = re.compile(r"[0-9a-f]{32}")
_MOST_NAMED = 8


@dataclass(frozen=True)
class RecordedRun:
    """A training's record as it was fetched, and what the store keeps of its study."""

    run_id: str
    run: Run
    config: Path | None  # The study's `study.yaml`.
    packages: str  # The lock file of then; empty where it was not kept.
    command: str  # What the study was started with; empty where it was not kept.
    baseline_scores: tuple[float, ...]  # The objective of the baseline's trainings, to 4 digits.


def fetch_run(store: TrackingStore, name: str, into: Path) -> RecordedRun:
    """Return the completed training `name`, an MLflow run's id or STUDY/RUN, fetched into a folder.

    Raises StoreError where the store has no such training, or not its record; RecordError for one
    that did not complete; ConfigError for a name that is none.
    """
    found = _by_id(store, name) if _RUN_ID.fullmatch(name) else _by_name(store, name)
    _refuse_unfit(store, name, found)
    run_id, parent = str(found.info.run_id), found.data.tags.get(MLFLOW_PARENT_RUN_ID, "")
    run = _record(store, run_id, into)
    if run.finished is None or run.outcome != "completed":
        raise RecordError(
            f"run {name}: its {EVENTS_FILE} in {_shown(store)} tells of no completed training; "
            "name one that completed"
        )
    # As on record: so a config's relative paths are looked for where the study was run.
    place = into / "work" / "studies" / run.job.study
    files = _study_files(store, parent, place) if parent else {}
    return RecordedRun(
        run_id=run_id,
        run=run,
        config=files.get(CONFIG_FILE),
        packages=files[PACKAGES_FILE].read_text() if PACKAGES_FILE in files else "",
        command=_command(store, parent) if parent else "",
        baseline_scores=_baseline_scores(store, found),
    )


def _by_id(store: TrackingStore, run_id: str) -> TrackedRun:
    with refusing(store.uri):
        try:
            return store.client.get_run(run_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
    raise StoreError(f"no run {run_id} in {_shown(store)}; name the store with --store")


def _by_name(store: TrackingStore, name: str) -> TrackedRun:
    study, slash, run = name.partition("/")
    if not (slash and study and run) or "'" in run:
        raise ConfigError(
            f"run {name!r}: must be an MLflow run's id, 32 digits, or STUDY/RUN, as "
            "phantom/baseline"
        )
    with refusing(store.uri):
        experiment = store.client.get_experiment_by_name(study)
        if experiment is None:
            raise StoreError(f"no study {study!r} in {_shown(store)}; name the store with --store")
        here, trainings = [experiment.experiment_id], f"tags.{JOB_ID} LIKE '%'"
        there = store.client.search_runs(here, f"{trainings} AND attributes.run_name = '{run}'")
        if not there:
            others = store.client.search_runs(
                here, trainings, max_results=_MOST_NAMED, order_by=["attributes.start_time ASC"]
            )
    if not there:
        known = ", ".join(str(each.info.run_name) for each in others) or "none"
        raise StoreError(
            f"study {study!r} in {_shown(store)} has no training {run!r}; it has {known}; name "
            "one, or another store with --store"
        )
    # Those before the last of a name failed and were tried again: none can be meant.
    found = [run for run in there if run.data.tags.get("outcome") != "failed"] or there[:1]
    if len(found) > 1:
        ids = ", ".join(str(each.info.run_id) for each in found)
        raise StoreError(f"{name} is the name of {len(found)} runs; name one by its id: {ids}")
    return found[0]


def _refuse_unfit(store: TrackingStore, name: str, found: TrackedRun) -> None:
    """Raise an error for a run that is no completed training of this software."""
    tags = found.data.tags
    if STUDY_KEY in tags:
        raise ConfigError(
            f"run {name}: is that of the whole study {tags[STUDY_KEY]!r}; name one of its "
            f"trainings, as {tags[STUDY_KEY]}/baseline"
        )
    if JOB_ID not in tags:
        raise ConfigError(f"run {name}: was not recorded by this software; name another")
    if found.info.lifecycle_stage == "deleted":
        raise StoreError(
            f"run {name}: was deleted in {_shown(store)}; restore it there, or name another"
        )
    outcome = tags.get("outcome", "running")
    if outcome == "completed":
        return
    why = {
        "failed": f"failed ({tags.get('failure', 'no reason on record')}), so it has no figures",
        "pruned": "was pruned before its end, so it has no figures of a whole training",
    }.get(outcome, "has not ended yet")
    raise RecordError(f"run {name}: {why}; name a training that completed")


def _record(store: TrackingStore, run_id: str, into: Path) -> Run:
    """Rebuild a run's folder, without weights and pictures, from its artifacts."""
    part = into / run_id
    part.mkdir(parents=True)
    with refusing(store.uri):
        for name in (JOB_FILE, EVENTS_FILE, "evaluation"):
            try:
                store.client.download_artifacts(run_id, name, str(part))
            except (MlflowException, OSError):
                raise StoreError(
                    f"run {run_id} in {_shown(store)}: its artifact {name} is gone; `spineseg "
                    "compare` puts it back from the run's folder, where that is left"
                ) from None
    for file in (part / "evaluation").iterdir():
        file.replace(part / file.name)
    job = Job.read(part)
    for told in (job.study, job.name):  # They become folders here, whoever wrote them.
        if not re.fullmatch(SLUG, told):
            raise RecordError(f"run {run_id}: its {JOB_FILE} has the name {told!r}; name another")
    folder = into / job.folder_name
    part.replace(folder)
    return read_run(folder)


def _study_files(store: TrackingStore, parent: str, place: Path) -> dict[str, Path]:
    """Return name -> file of what the study's own run keeps of how it was asked for."""
    place.mkdir(parents=True)
    with refusing(store.uri):
        there = [file.path for file in store.client.list_artifacts(parent, FOLDER)]
        for path in there:
            fetched = Path(store.client.download_artifacts(parent, path, str(place)))
            shutil.move(fetched, place / fetched.name)
    return {path.name: path for path in place.iterdir() if path.is_file()}


def _command(store: TrackingStore, parent: str) -> str:
    with refusing(store.uri):
        return str(store.client.get_run(parent).data.tags.get(COMMAND, ""))


def _baseline_scores(store: TrackingStore, found: TrackedRun) -> tuple[float, ...]:
    wanted = "tags.arm = 'baseline' AND tags.outcome = 'completed'"
    with refusing(store.uri):
        runs = store.client.search_runs([found.info.experiment_id], wanted, max_results=1000)
    return tuple(run.data.metrics["score"] for run in runs if "score" in run.data.metrics)


def _shown(store: TrackingStore) -> str:
    return without_password(store.uri)
