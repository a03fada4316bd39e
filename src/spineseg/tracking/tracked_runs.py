"""One parent run per study, one child run per job; found again, never made twice."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow.entities import Dataset as DatasetEntity
from mlflow.entities import DatasetInput, InputTag, Param, Run, RunTag
from mlflow.utils.mlflow_tags import (
    MLFLOW_GIT_COMMIT,
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_SOURCE_NAME,
    MLFLOW_SOURCE_TYPE,
    MLFLOW_USER,
)

from spineseg.code_version import code_commit, code_version, user_name
from spineseg.config.study import StudyConfig
from spineseg.data.manifest import Manifest
from spineseg.errors import RefusedError, StoreError
from spineseg.films import PARTS
from spineseg.job import Job
from spineseg.tracking.run_note import run_note
from spineseg.tracking.store import TrackingStore, experiment_id, refusing, without_password
from spineseg.tracking.twins import CARRIED as CARRIED
from spineseg.tracking.twins import found_run, kept, rank

STUDY_KEY = "study_key"
TRIAL_KEY = "trial_key"  # For people: `study/number`.
JOB_ID = "job_id"
CHANGED = "changed"  # Its difference from the baseline; what an earlier version wrote lacks it.
TRIED_AGAIN = "tried_again"  # Of a failed run: asked for, or as which it was.
NOTE = "mlflow.note.content"
_MAX_PARAM, _MAX_TAG, _MAX_EXPERIMENT_TAG = 6000, 8000, 20000
_OF_EARLIER_VERSIONS = {
    *("changes", "hypothesis", "data_fingerprint", "best_epoch", "batch_used", "optimizer_used"),
    *("failure_message", "description", "objective"),
}
"""Tags that nobody reads any more; also all of `environment.`."""
log = logging.getLogger(__name__)


def open_study_run(
    store: TrackingStore, config: StudyConfig, manifest: Manifest, first: Job | None = None
) -> str:
    """Return the id of the study's parent run, made where it is missing, with what it is.

    `first` is the study's first job on record: its run is of the same commit and user. Raises
    StoreError where the store does not answer, RefusedError where it has another study of that
    name.
    """
    experiment = experiment_id(store, config.name)
    with refusing(store.uri):
        run = found_run(store, experiment, STUDY_KEY, config.name)
        if run is None:
            tags = {STUDY_KEY: config.name, NOTE: config.description or f"Study {config.name}."}
            run = store.client.create_run(
                experiment,
                start_time=round(first.created * 1000) if first else None,
                run_name=f"study {config.name}",
                tags=tags | _origin(config.name, first),
            )
            run = found_run(store, experiment, STUDY_KEY, config.name) or run
        _refuse_other_data(store, config.name, run, manifest.fingerprint)
        tags = {"data": manifest.fingerprint[:12], "synthetic": str(manifest.synthetic).lower()}
        params: dict[str, object] = {f"films_{part}": manifest.count(part) for part in PARTS}
        params |= {"variants": len(config.variants), "search_trials": config.search.trials}
        params |= {"objective": config.objective}
        _drop_old_tags(store, run)
        _describe(store, run, tags, params)
    counts: dict[str, int] = {part: manifest.count(part) for part in PARTS}
    _name_data(store, run, " + ".join(manifest.source_names), manifest.fingerprint, counts)
    return str(run.info.run_id)


def _refuse_other_data(store: TrackingStore, study: str, run: Run, fingerprint: str) -> None:
    found = run.data.tags.get("data") or run.data.tags.get("data_fingerprint", fingerprint)
    if found[:12] != fingerprint[:12]:
        raise RefusedError(
            f"tracking store {without_password(store.uri)}: has another study {study!r}, of the "
            f"data {found[:12]}, not {fingerprint[:12]}; name another store.mlflow_uri, or give "
            "the study another name"
        )


def open_trial_run(store: TrackingStore, parent: str, job: Job) -> Run:
    """Return the run of a job under `parent`, made where there is none yet, with what it is.

    One of an earlier version of this software is given this version's name and tags, and counts
    as not carried over. Raises StoreError where the store does not answer.
    """
    with refusing(store.uri):
        above = store.client.get_run(parent)
        experiment = above.info.experiment_id
        run = found_run(store, experiment, JOB_ID, job.id)
        tags = {
            "kind": job.kind,
            CHANGED: job.changed,
            "arm": job.arm,
            "seed": str(job.config.seed),
            "data": job.data_fingerprint[:12],
            "synthetic": str(job.synthetic).lower(),
            "code_version": job.code_version,
            **_origin(job.study, job),
        }
        if run is None:
            machine = {JOB_ID: job.id, TRIAL_KEY: job.key, MLFLOW_PARENT_RUN_ID: parent}
            machine |= {NOTE: run_note(job)}
            run = store.client.create_run(
                experiment,
                start_time=round(job.created * 1000),
                run_name=job.name,
                tags={"outcome": "running"} | tags | machine,  # In the order of MLflow's page.
            )
            run = found_run(store, experiment, JOB_ID, job.id) or run
        if NOTE not in run.data.tags:
            tags[NOTE] = run_note(job)
        if is_of_an_earlier_version(run):
            tags[CARRIED] = "0"
            store.client.update_run(run.info.run_id, name=job.name)
            _drop_old_tags(store, run)
        _describe(store, run, tags, job.config.model_dump())
    inputs = above.inputs.dataset_inputs if above.inputs else []
    name = inputs[0].dataset.name if inputs else "data"
    counts = json.loads(inputs[0].dataset.profile or "{}") if inputs else {}
    _name_data(store, run, name, job.data_fingerprint, counts)
    return run


def is_of_an_earlier_version(run: Run) -> bool:
    """Return whether a run was recorded under the names of an earlier version of this software."""
    return CARRIED in run.data.tags and CHANGED not in run.data.tags


def _origin(study: str, job: Job | None) -> dict[str, str]:
    """Return where a run comes from, in MLflow's own tags: of then; without a job, of now."""
    version = job.code_version if job else code_version()
    commit, user = (job.commit, job.user) if job else (code_commit(), user_name())
    if not commit and (
        short := re.search(r"-([0-9a-f]{12})(?:\+changes(?:\.[0-9a-f]+)?)?$", version)
    ):
        commit = short[1]  # Of a job from before the whole commit was kept.
    found = {MLFLOW_SOURCE_NAME: f"spineseg run {study}", MLFLOW_SOURCE_TYPE: "LOCAL"}
    found |= {MLFLOW_USER: user, MLFLOW_GIT_COMMIT: commit}
    return {key: value for key, value in found.items() if value}


def _drop_old_tags(store: TrackingStore, run: Run) -> None:
    for key in run.data.tags:
        if key in _OF_EARLIER_VERSIONS or key.startswith("environment."):
            store.client.delete_tag(run.info.run_id, key)


def job_runs(store: TrackingStore, study: str, *, mend: bool = False) -> dict[str, Run]:
    """Return the runs of a study's jobs, by the job's id; of several of one job the one to keep.

    With `mend` the others are deleted. Raises StoreError where the store does not answer.
    """
    experiment = experiment_id(store, study)
    found: dict[str, list[Run]] = {}
    page = None
    with refusing(store.uri):
        while True:
            runs = store.client.search_runs(
                [experiment], f"tags.{JOB_ID} LIKE '%'", max_results=1000, page_token=page
            )
            for run in runs:
                found.setdefault(run.data.tags[JOB_ID], []).append(run)
            page = runs.token
            if not page:
                break
        if mend:
            return {job: kept(store, experiment, twins) for job, twins in found.items()}
        return {job: min(twins, key=rank) for job, twins in found.items()}


def _describe(
    store: TrackingStore, run: Run, tags: Mapping[str, str], params: Mapping[str, Any]
) -> None:
    """Set tags, and those params that are not there yet: MLflow refuses to change one."""
    known, told = run.data.params, run.data.tags
    store.client.log_batch(
        run.info.run_id,
        params=as_params({key: value for key, value in params.items() if key not in known}),
        tags=as_tags({key: value for key, value in tags.items() if told.get(key) != value}),
    )


def as_params(values: Mapping[str, Any]) -> list[Param]:
    """Return values as MLflow's params, cut to what it takes."""
    return [Param(key, str(value)[:_MAX_PARAM]) for key, value in values.items()]


def as_tags(values: Mapping[str, Any]) -> list[RunTag]:
    """Return values as MLflow's tags, cut to what it takes."""
    return [RunTag(key, str(value)[:_MAX_TAG]) for key, value in values.items()]


def _name_data(
    store: TrackingStore, run: Run, name: str, fingerprint: str, counts: Mapping[str, int]
) -> None:
    """Name the data of a run, by their fingerprint, in MLflow's own place for it."""
    with refusing(store.uri):
        if run.inputs is not None and run.inputs.dataset_inputs:
            return
        entity = DatasetEntity(
            name=name,
            digest=fingerprint[:12],
            source_type="local",
            source=f"fingerprint {fingerprint}",
            profile=json.dumps(counts),
        )
        tags = [InputTag("mlflow.data.context", "training")]
        store.client.log_inputs(run.info.run_id, [DatasetInput(entity, tags)])


def log_study_artifacts(
    store: TrackingStore, run_id: str, files: Mapping[str, Path], *, replace: bool = True
) -> None:
    """Put files, `folder/name` -> path, among a run's artifacts.

    In place of older ones, or, without `replace`, only where there are none.
    """
    with refusing(store.uri):
        folders = {target.rpartition("/")[0] for target in files}
        there = {f.path for folder in folders for f in store.client.list_artifacts(run_id, folder)}
        for target, path in files.items():
            if target in there and not replace:
                continue
            folder, _, name = target.rpartition("/")
            if name != path.name:
                raise ValueError(f"an artifact keeps its file's name: {target} from {path}")
            store.client.log_artifact(run_id, str(path), folder or None)


def artifact_page(store: TrackingStore, run_id: str, path: str) -> str:
    """Return the address of an artifact within MLflow's own pages, as a link there needs it."""
    with refusing(store.uri):
        experiment = store.client.get_run(run_id).info.experiment_id
    return f"#/experiments/{experiment}/runs/{run_id}/artifacts/{path}"


def write_study_note(store: TrackingStore, run_id: str, note: str) -> bool:
    """Do as `put_study_note` does, where nothing hangs on it.

    Returns False, and says so in the log, where the store does not take it.
    """
    try:
        put_study_note(store, run_id, note)
    except StoreError as error:
        log.warning("MLflow did not take the study's note: %s", error)
        return False
    return True


def put_study_note(store: TrackingStore, run_id: str, note: str, *, running: bool = False) -> None:
    """Open the study's run and its experiment with `note`, as Markdown.

    The run of a study that goes on is `running` again. Raises StoreError where the store does not
    take it.
    """
    with refusing(store.uri):
        info = store.client.get_run(run_id).info
        if running and info.status != "RUNNING":
            store.client.update_run(run_id, status="RUNNING")
        store.client.set_tag(run_id, NOTE, note[:_MAX_TAG])
        store.client.set_experiment_tag(info.experiment_id, NOTE, note[:_MAX_EXPERIMENT_TAG])


def end_study_run(store: TrackingStore, run_id: str, ended: float) -> None:
    """Close a study's run, at the time when its last training ended: seconds since the epoch."""
    at = round(ended * 1000)
    with refusing(store.uri):
        info = store.client.get_run(run_id).info
        if (info.status, info.end_time) != ("FINISHED", at):
            store.client.set_terminated(run_id, "FINISHED", at)
