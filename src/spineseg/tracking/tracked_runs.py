"""One parent run per study, one child run per job; found again, never made twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow.entities import Dataset as DatasetEntity
from mlflow.entities import DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from spineseg.config.study import StudyConfig
from spineseg.data.manifest import Manifest
from spineseg.errors import StoreError
from spineseg.films import PARTS
from spineseg.job import Job
from spineseg.study_record import StudyRecord
from spineseg.tracking.store import TrackingStore, experiment_id, refusing, without_password

STUDY_KEY = "study_key"
TRIAL_KEY = "trial_key"  # For people: `study/number`.
JOB_ID = "job_id"
NOTE = "mlflow.note.content"
_MAX_PARAM, _MAX_TAG = 6000, 8000
_SYNTHETIC = "**Synthetic X-rays. Results say nothing of patients.**\n\n"


def open_study_run(store: TrackingStore, config: StudyConfig, manifest: Manifest) -> str:
    """Return the id of the study's parent run, made where it is missing, with what it is.

    Raises StoreError where the store does not answer, or has another study of that name.
    """
    experiment = experiment_id(store, config.name)
    with refusing(store.uri):
        run = _find(store, experiment, STUDY_KEY, config.name)
        if run is None:
            run = store.client.create_run(
                experiment, run_name=f"study {config.name}", tags={STUDY_KEY: config.name}
            )
        _refuse_other_data(store, config.name, run, manifest.fingerprint)
        tags = {
            "data_fingerprint": manifest.fingerprint,
            "synthetic": str(manifest.synthetic).lower(),
            "objective": config.objective,
            "description": config.description,
        }
        params = {f"films_{part}": manifest.count(part) for part in PARTS}
        params |= {"variants": len(config.variants), "search_trials": config.search.trials}
        _describe(store, run, tags, params)
    counts: dict[str, int] = {part: manifest.count(part) for part in PARTS}
    _name_data(store, run, " + ".join(manifest.source_names), manifest.fingerprint, counts)
    return str(run.info.run_id)


def _refuse_other_data(store: TrackingStore, study: str, run: Run, fingerprint: str) -> None:
    found = run.data.tags.get("data_fingerprint", fingerprint)
    if found != fingerprint:
        raise StoreError(
            f"tracking store {without_password(store.uri)}: has another study {study!r}, of the "
            f"data {found[:12]}, not {fingerprint[:12]}; name another store.mlflow_uri, or give "
            "the study another name"
        )


def open_trial_run(store: TrackingStore, parent: str, job: Job) -> Run:
    """Return the run of a job under `parent`, made where there is none yet, with what it is.

    Raises StoreError where the store does not answer.
    """
    with refusing(store.uri):
        above = store.client.get_run(parent)
        run = _find(store, above.info.experiment_id, JOB_ID, job.id)
        if run is None:
            run = store.client.create_run(
                above.info.experiment_id,
                start_time=round(job.created * 1000),
                run_name=f"variant {job.name}" if job.kind == "variant" else job.name,
                tags={JOB_ID: job.id, TRIAL_KEY: job.key, MLFLOW_PARENT_RUN_ID: parent},
            )
        note = _SYNTHETIC if job.synthetic else ""
        note += f"Hypothesis: {job.hypothesis}\n\n" if job.hypothesis else ""
        changes = json.dumps(job.changes)
        tags = {
            "kind": job.kind,
            "arm": job.arm,
            "hypothesis": job.hypothesis or "",
            "changes": changes,
            "data_fingerprint": job.data_fingerprint,
            "synthetic": str(job.synthetic).lower(),
            "code_version": job.code_version,
            NOTE: f"{note}Difference from the baseline: `{changes}`",
        }
        _describe(store, run, tags, job.config.model_dump())
    inputs = above.inputs.dataset_inputs if above.inputs else []
    name = inputs[0].dataset.name if inputs else "data"
    counts = json.loads(inputs[0].dataset.profile or "{}") if inputs else {}
    _name_data(store, run, name, job.data_fingerprint, counts)
    return run


def job_runs(store: TrackingStore, study: str) -> dict[str, Run]:
    """Return the runs of a study's jobs, by the job's id."""
    experiment = experiment_id(store, study)
    found: dict[str, Run] = {}
    page = None
    with refusing(store.uri):
        while True:
            runs = store.client.search_runs(
                [experiment], f"tags.{JOB_ID} LIKE '%'", max_results=1000, page_token=page
            )
            found |= {run.data.tags[JOB_ID]: run for run in runs}
            page = runs.token
            if not page:
                return found


def _find(store: TrackingStore, experiment: str, tag: str, value: str) -> Run | None:
    found = store.client.search_runs([experiment], f"tags.{tag} = '{value}'", max_results=1)
    return found[0] if found else None


def _describe(
    store: TrackingStore, run: Run, tags: Mapping[str, str], params: Mapping[str, Any]
) -> None:
    """Set tags, and those params that are not there yet: MLflow refuses to change one."""
    known = run.data.params
    store.client.log_batch(
        run.info.run_id,
        params=[Param(k, str(v)[:_MAX_PARAM]) for k, v in params.items() if k not in known],
        tags=[RunTag(k, str(v)[:_MAX_TAG]) for k, v in tags.items() if v != ""],
    )


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


def end_study_run(
    store: TrackingStore, run_id: str, study: StudyRecord, metrics: Mapping[str, float]
) -> None:
    """Close a study's run with its best scores, at the time when its last training ended."""
    at = round(max((run.end.time for run in study.runs if run.end), default=0.0) * 1000)
    with refusing(store.uri):
        rows = [Metric(key, value, at, 0) for key, value in metrics.items()]
        store.client.log_batch(run_id, metrics=rows)
        store.client.set_terminated(run_id, "FINISHED", at)
