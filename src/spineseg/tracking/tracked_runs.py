"""One parent run per study, one child run per trial; found again, never made twice."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mlflow.entities import Dataset as DatasetEntity
from mlflow.entities import DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from spineseg.tracking.store import TrackingStore, experiment_id, refusing

STUDY_KEY = "study_key"
TRIAL_KEY = "trial_key"
NOTE = "mlflow.note.content"
_MAX_PARAM, _MAX_TAG = 6000, 8000
_SYNTHETIC = "**Synthetic X-rays. Results say nothing of patients.**\n\n"


def open_study_run(
    store: TrackingStore,
    study: str,
    *,
    tags: Mapping[str, str] | None = None,
    params: Mapping[str, Any] | None = None,
) -> str:
    """Return the id of the study's parent run, made where it is missing.

    Raises StoreError where the store does not answer.
    """
    experiment = experiment_id(store, study)
    with refusing(store.uri):
        run = _find(store, experiment, STUDY_KEY, study)
        if run is None:
            run = store.client.create_run(
                experiment, run_name=f"study {study}", tags={STUDY_KEY: study}
            )
        _describe(store, run, tags or {}, params or {})
    return str(run.info.run_id)


def open_trial_run(
    store: TrackingStore,
    parent: str,
    *,
    name: str,
    key: str,
    tags: Mapping[str, str],
    params: Mapping[str, Any],
) -> str:
    """Return the id of the trial's run under `parent`, made where none has `key` yet.

    Raises StoreError where the store does not answer.
    """
    with refusing(store.uri):
        experiment = store.client.get_run(parent).info.experiment_id
        run = _find(store, experiment, TRIAL_KEY, key)
        if run is None:
            run = store.client.create_run(
                experiment, run_name=name, tags={TRIAL_KEY: key, MLFLOW_PARENT_RUN_ID: parent}
            )
        note = _SYNTHETIC if tags.get("synthetic") == "true" else ""
        if tags.get("hypothesis"):
            note += f"Hypothesis: {tags['hypothesis']}\n\n"
        note += f"Difference from the baseline: `{tags.get('changes', '{}')}`"
        _describe(store, run, {**tags, NOTE: note}, params)
    return str(run.info.run_id)


def trial_run_ids(store: TrackingStore, study: str) -> dict[str, str]:
    """Return the run id of each trial key of a study, `study/number` -> id."""
    experiment = experiment_id(store, study)
    with refusing(store.uri):
        runs = store.client.search_runs(
            [experiment], f"tags.{TRIAL_KEY} LIKE '%'", max_results=10000
        )
    return {run.data.tags[TRIAL_KEY]: str(run.info.run_id) for run in runs}


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


def log_dataset(
    store: TrackingStore, run_id: str, *, name: str, fingerprint: str, source: str, profile: str
) -> None:
    """Name the data of a run, by their fingerprint, in MLflow's own place for it."""
    with refusing(store.uri):
        inputs = store.client.get_run(run_id).inputs
        if inputs is not None and inputs.dataset_inputs:
            return
        entity = DatasetEntity(
            name=name, digest=fingerprint[:12], source_type="local", source=source, profile=profile
        )
        tags = [InputTag("mlflow.data.context", "training")]
        store.client.log_inputs(run_id, [DatasetInput(entity, tags)])


def log_study_artifacts(store: TrackingStore, run_id: str, files: Mapping[str, Path]) -> None:
    """Put files, `folder/name` -> path, among a run's artifacts, in place of older ones."""
    with refusing(store.uri):
        for target, path in files.items():
            folder, _, name = target.rpartition("/")
            if name != path.name:
                raise ValueError(f"an artifact keeps its file's name: {target} from {path}")
            store.client.log_artifact(run_id, str(path), folder or None)


def log_evaluation(
    store: TrackingStore, run_id: str, metrics: Mapping[str, float], files: Iterable[Path]
) -> None:
    """Add scores and the files they come from to a run that has ended already."""
    with refusing(store.uri):
        now = round(time.time() * 1000)
        rows = [Metric(key, value, now, 0) for key, value in metrics.items()]
        store.client.log_batch(run_id, metrics=rows)
        for path in files:
            store.client.log_artifact(run_id, str(path), "evaluation")


def end_study_run(store: TrackingStore, run_id: str, metrics: Mapping[str, float]) -> None:
    """Close a study's run with its best scores."""
    with refusing(store.uri):
        for key, value in metrics.items():
            store.client.log_metric(run_id, key, value)
        store.client.set_terminated(run_id, "FINISHED")
