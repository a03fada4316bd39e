"""What is written down of a trial before it runs: its job, made, or found equal on record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spineseg.code_version import code_commit, code_version, user_name
from spineseg.config.study import StudyConfig
from spineseg.data.manifest import Dataset
from spineseg.files import sha256_of, write_whole
from spineseg.job import JOB_FILE, Job
from spineseg.places import StudyPlaces
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.training.weights import resolve_weights
from spineseg.trials import TrialSpec, train_config


def recorded_job(asked: Job, places: StudyPlaces) -> Job:
    """Return the job that is asked for, in its run folder: written whole, or found equal.

    A job on record keeps its id, time and code version. Raises RecordError, naming both values,
    where it is not what is asked.
    """
    folder = places.folder / asked.folder_name
    if not folder.exists():
        asked.write(folder)
        return asked
    job = Job.read(folder)
    job.refuse_unlike(asked, folder)
    if (job.dataset, job.weights) != (asked.dataset, asked.weights):  # Copied from elsewhere.
        job = job.model_copy(update={"dataset": asked.dataset, "weights": asked.weights})
        write_whole(folder / JOB_FILE, job.model_dump_json(indent=1))
    return job


def new_job(
    config: StudyConfig,
    places: StudyPlaces,
    dataset: Dataset,
    numbering: NumberingModel,
    spec: TrialSpec,
    *,
    number: int,
    parameters: Mapping[str, Any],
) -> Job:
    """Return the job of a trial, fully resolved. Raises WeightsError without starting weights."""
    training = train_config(config, spec)
    weights = resolve_weights(training, places.weights)
    return Job(
        study=config.name,
        number=number,
        kind=spec.kind,
        name=spec.name,
        arm=spec.arm or spec.name,
        changes=spec.changes,
        hypothesis=spec.hypothesis,
        config=training,
        objective=config.objective,
        parameters=dict(parameters),
        space={name: config.search.space[name] for name in parameters},
        data_fingerprint=dataset.fingerprint,
        synthetic=dataset.manifest.synthetic,
        dataset=dataset.folder.resolve(),
        weights=weights,
        weights_sha256=sha256_of(weights) if weights else None,
        numbering=numbering,
        code_version=code_version(),
        commit=code_commit(),
        user=user_name(),
    )
