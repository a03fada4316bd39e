"""A training run again from its record in the tracking store: all that this takes, made ready.

Same configuration and seed, data of the same fingerprint, the same starting weights: what may
differ is the code, the packages and the machine, and those are named.
"""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from spineseg.called import pasted
from spineseg.chosen_model import DEFAULT_MODEL, Asked, store_place
from spineseg.code_version import code_commit, code_version
from spineseg.config.recorded import reference
from spineseg.config.search import SearchConfig
from spineseg.config.study import StoreConfig, StudyConfig
from spineseg.config.training import TrainConfig
from spineseg.config.yaml_files import load_study
from spineseg.data.merge import prepare_dataset
from spineseg.errors import ConfigError, DataError, RunError, WeightsError
from spineseg.evidence.reproduced import Reproduced, beside
from spineseg.files import sha256_of, write_whole
from spineseg.job import Job
from spineseg.packages import unlike_then
from spineseg.places import StudyPlaces
from spineseg.runs import first_baseline
from spineseg.tracking.recorded_run import CONFIG_FILE, RecordedRun, fetch_run
from spineseg.tracking.store import open_existing_store
from spineseg.training.weights import resolve_weights

_MOST_NAME = 61  # Of a study.
_FREE = ("data.", "devices.")
_KNOWN_DIGITS = 12
_NOTHING = "nothing"  # Random weights.
Say = Callable[[str], None]


@dataclass(frozen=True)
class Again:
    """A training on record, and the study of one training that it is run again as."""

    recorded: RecordedRun
    config: StudyConfig

    @property
    def places(self) -> StudyPlaces:
        """Where the new training lies."""
        return StudyPlaces(self.config.store.root, self.config.name)

    @property
    def where(self) -> Path:
        """The file that the new study is described by."""
        return self.places.folder / CONFIG_FILE

    def write_config(self) -> Path:
        """Write the new study's config into its folder, where it is not there yet."""
        if not self.where.exists():
            self.where.parent.mkdir(parents=True, exist_ok=True)
            content = yaml.safe_dump(self.config.model_dump(mode="json"), sort_keys=False)
            write_whole(self.where, content)
        return self.where

    def outcome(self) -> Reproduced:
        """Return old and new figures. Raises RunError where the new training did not complete."""
        run = first_baseline(self.places.folder)
        if run is None or run.outcome != "completed":
            why = f"{run.failed.kind}: {run.failed.message}" if run and run.failed else "no end"
            name, *where = reference(self.config)
            again = pasted(shlex.join(["retry", f"{name}/baseline", *where]))
            raise RunError(
                f"study {self.config.name!r}: the training did not complete ({why}); see "
                f"{self.places.folder}, mend the cause, ask for it again with `{again}`, and give "
                "the same command"
            )
        return beside(
            self.recorded.run,
            run,
            run_id=self.recorded.run_id,
            baseline_scores=self.recorded.baseline_scores,
            otherwise=unlike_then(self.recorded.packages),
        )

    def facts(self) -> dict[str, Any]:
        """Return for a program what is run again, and by what then and now."""
        job = self.recorded.run.job
        return {
            "run_id": self.recorded.run_id,
            "run": f"{job.study}/{job.name}",
            "again": self.config.name,
            "synthetic": job.synthetic,
            "data_fingerprint": job.data_fingerprint,
            "weights_sha256": job.weights_sha256,
            "code": [job.code_version, code_version()],
            "commit": job.commit,
            "packages": unlike_then(self.recorded.packages) if self.recorded.packages else None,
        }

    def text(self) -> str:
        """Return what was found to be the same, and the code of then and now."""
        job = self.recorded.run.job
        weights = job.config.weights
        if job.weights_sha256:
            weights += f", SHA-256 {job.weights_sha256[:_KNOWN_DIGITS]}, the same"
        lines = [
            f"run {self.recorded.run_id}: {job.name} of study {job.study}"
            + (", synthetic X-rays" if job.synthetic else ""),
            f"started by: {self.recorded.command}" if self.recorded.command else "",
            f"data {job.data_fingerprint[:_KNOWN_DIGITS]}: found, the same",
            f"starting weights: {weights}",
            code_text(job),
            _packages_text(self.recorded.packages),
            f"to be run as study {self.config.name} in {self.places.folder}",
        ]
        return "\n".join(line for line in lines if line)


@contextmanager
def ready_again(
    name: str,
    *,
    store: str | None = None,
    config: Path | None = None,
    sets: Sequence[str] = (),
    say: Say = print,
) -> Iterator[Again]:
    """Give the training `name` of a store, ready to be run again: all of it checked.

    `store` is an address or a folder of records, by default that of `config`, else mlruns. By
    `config`, a study's, data are made where the store keeps no config; `sets` say where they lie
    now and which device trains. Raises SpinesegError, in a line, for what is not there
    any more or not the same.
    """
    for text in sets:
        if not text.startswith(_FREE):
            raise ConfigError(
                f"--set {text}: what is run again is the training on record; only keys of data and "
                "devices may be said anew"
            )
    place = store_place(Asked(model=DEFAULT_MODEL, store=store, config=config))
    opened = open_existing_store(place.root, place.mlflow_uri)
    with tempfile.TemporaryDirectory(prefix="spineseg-") as folder:
        recorded = fetch_run(opened, name, Path(folder))
        again = Again(recorded, _study_again(recorded, place, config, sets))
        _refuse_other_data(again, say)
        _refuse_other_weights(again)
        yield again


def _study_again(
    recorded: RecordedRun, place: StoreConfig, config: Path | None, sets: Sequence[str]
) -> StudyConfig:
    """Return a study of the recorded training alone, on the data of its study's config."""
    job, source = recorded.run.job, recorded.config or config
    if source is None:
        raise ConfigError(
            f"run {recorded.run_id}: the store keeps no {CONFIG_FILE} of study {job.study!r}, so "
            "it is not known how its data were made; name the study's config with --config"
        )
    known = load_study(source, ["store={}", "on_end=null", *sets])
    return StudyConfig(
        name=study_name(job),
        description=f"{job.study}/{job.name}, MLflow run {recorded.run_id}, run again.",
        data=known.data,
        baseline=_prompted(job),
        search=SearchConfig(),
        objective=job.objective,
        numbering=job.numbering.numbering,
        transitional=job.numbering.transitional,
        confirm=None,
        devices=known.devices.model_copy(update={"trials_per_device": 1}),
        store=place,
    )


def _prompted(job: Job) -> TrainConfig:
    """Return a job's training; a SAM's with the file that prompted it, which its study named.

    Raises WeightsError where that is another now, or gone.
    """
    if job.prompter is None:
        return job.config
    if not job.prompter.is_file() or sha256_of(job.prompter) != job.prompter_sha256:
        raise WeightsError(
            f"{job.prompter}: prompted run {job.study}/{job.name} and is not there as it was "
            f"(SHA-256 {(job.prompter_sha256 or _NOTHING)[:_KNOWN_DIGITS]}); put it back"
        )
    return job.config.with_(prompts=str(job.prompter))


def study_name(job: Job) -> str:
    """Return what the new study is called; two runs of one name are told apart by the job's id."""
    name = f"{job.study}-again-{job.name}"
    return name if len(name) <= _MOST_NAME else f"{name[: _MOST_NAME - 9]}-{job.id[:8]}"


def _refuse_other_data(again: Again, say: Say) -> None:
    job = again.recorded.run.job
    dataset = prepare_dataset(again.config.data, again.places.data, say)
    if dataset.fingerprint != job.data_fingerprint:
        raise DataError(
            f"run {again.recorded.run_id}: was trained on the data "
            f"{job.data_fingerprint[:_KNOWN_DIGITS]}, its sources now give "
            f"{dataset.fingerprint[:_KNOWN_DIGITS]}: they have changed since; restore them, or "
            "name where the old ones lie with --set data.sources.0.path=DIR"
        )


def _refuse_other_weights(again: Again) -> None:
    job = again.recorded.run.job
    then = (job.weights_sha256 or _NOTHING)[:_KNOWN_DIGITS]
    try:
        path = resolve_weights(job.config, again.places.weights)
    except WeightsError as error:
        raise WeightsError(
            f"{error}; run {again.recorded.run_id} started from SHA-256 {then}"
        ) from None
    now = (sha256_of(path) if path else _NOTHING)[:_KNOWN_DIGITS]
    if now != then:
        raise WeightsError(
            f"{path}: has SHA-256 {now}, run {again.recorded.run_id} started from {then}; put the "
            "file of then in its place"
        )


def code_text(job: Job) -> str:
    """Return which version of the code trained a job, which one is here, and where that one is."""
    then, now = job.code_version, code_version()
    if not job.commit:
        return (
            f"code {then} then, {now} now: which commit that was is not on record, so it cannot be "
            "checked out"
        )
    dirty = " (with changes that no commit holds)" if "+changes" in then else ""
    if job.commit == code_commit():
        return f"code {then}{dirty}, now {now}"
    return f"code {then} then{dirty}, {now} now: `git checkout {job.commit[:12]}` has that of then"


def _packages_text(packages: str) -> str:
    if not packages:
        return "packages of then: not on record"
    other = unlike_then(packages)
    return f"packages: {'; '.join(other)}" if other else "packages: the same versions"
