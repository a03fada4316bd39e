"""Both stores filled from the run folders, which are the record: what is missing is added."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from spineseg.config.study import StudyConfig
from spineseg.data.manifest import Manifest
from spineseg.events import Failed, Finished
from spineseg.job import Job
from spineseg.places import StudyPlaces
from spineseg.report.study_note import Ended
from spineseg.runs import Run
from spineseg.study_record import StudyRecord
from spineseg.tracking.carry import carry_over
from spineseg.tracking.store import TrackingStore
from spineseg.tracking.study_files import log_study_config
from spineseg.tracking.tracked_runs import log_study_artifacts, open_study_run
from study.optuna_projection import fill_optuna

log = logging.getLogger(__name__)


def fill_stores(store: TrackingStore, config: StudyConfig, study: StudyRecord) -> str:
    """Bring both stores to what the folders say; return the id of the study's MLflow run.

    The study's lock must be held. Raises StoreError where a store does not answer, InUseError where
    a driver of another root has the study, RecordError where Optuna's contradicts a folder.
    """
    fill_optuna(config, study.runs, log.warning)
    parent, missed = fill_mlflow(store, config, study.places, study.manifest, study.runs)
    if missed:
        names = ", ".join(run.name for run in missed)
        log.warning("MLflow did not take %d runs: %s; the next command tries", len(missed), names)
    return parent


def fill_mlflow(
    store: TrackingStore,
    config: StudyConfig,
    places: StudyPlaces,
    manifest: Manifest,
    runs: Sequence[Run],
) -> tuple[str, list[Run]]:
    """Bring MLflow to what the folders say; return the study's run, and the runs not taken."""
    parent = open_study_run(store, config, manifest, runs[0].job if runs else None)
    files = {f"data/{path.name}": path for path in sorted(places.data_record.iterdir())}
    log_study_artifacts(store, parent, files, replace=False)
    log_study_config(store, parent, places)
    return parent, carry_over(store, config.name, parent, runs)


def ended(job: Job, end: Finished | Failed) -> Ended:
    """Return what is told of a training that has ended while its study runs."""
    if isinstance(end, Failed):
        return Ended(job.name, job.kind, "failed", None)
    return Ended(job.name, job.kind, end.outcome, end.metrics[f"best/{job.objective}"])
