"""What is written down of a trial before it runs: its job, made, or found equal on record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spineseg.code_version import code_commit, code_version, user_name
from spineseg.config.study import StudyConfig
from spineseg.config.training import TrainConfig
from spineseg.data.manifest import Dataset
from spineseg.errors import WeightsError
from spineseg.files import sha256_of, write_whole
from spineseg.job import JOB_FILE, Job
from spineseg.places import StudyPlaces
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.runs import last_of_name
from spineseg.training.weights import resolve_prompter, resolve_weights
from spineseg.trials import TrialSpec, prompted_by, train_config


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
    places_now = {name: getattr(asked, name) for name in ("dataset", "weights", "prompter")}
    if any(getattr(job, name) != place for name, place in places_now.items()):  # Copied here.
        job = job.model_copy(update=places_now)
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
    """Return the job of a trial, fully resolved. Raises WeightsError without starting weights.

    As well where a SAM has nothing that prompts it: `is_ready` says when it has.
    """
    training = train_config(config, spec)
    weights = resolve_weights(training, places.weights)
    prompter = _prompter(training, places, prompted_by(config, spec))
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
        prompter=prompter,
        prompter_sha256=sha256_of(prompter) if prompter else None,
        numbering=numbering,
        code_version=code_version(),
        commit=code_commit(),
        user=user_name(),
    )


def _prompter(training: TrainConfig, places: StudyPlaces, run_name: str | None) -> Path | None:
    """Return the weights that prompt a SAM, those of the run of that name; None for no SAM."""
    if training.family != "sam":
        return None
    if run_name is None:
        return resolve_prompter(training)
    run = last_of_name(places.folder, run_name)
    if run is None or run.outcome != "completed":
        raise WeightsError(
            f"prompts: {training.model} is prompted by the study's {run_name}, which has not "
            "finished; name weights with baseline.prompts, or train that first"
        )
    return run.best_weights.resolve()
