"""MLflow filled from the run folders, which are the record: what is missing is added."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from spineseg.config.study import StudyConfig
from spineseg.data.manifest import Manifest
from spineseg.places import StudyPlaces
from spineseg.runs import Run
from spineseg.study_record import StudyRecord
from spineseg.tracking.carry import carry_over
from spineseg.tracking.store import TrackingStore
from spineseg.tracking.study_files import log_data_record, log_study_config
from spineseg.tracking.tracked_runs import open_study_run

log = logging.getLogger(__name__)


def filled_mlflow(store: TrackingStore, config: StudyConfig, study: StudyRecord) -> str:
    """Bring MLflow to what the folders say, tell what it did not take; return the study's run."""
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
    log_data_record(store, parent, places)
    log_study_config(store, parent, places)
    return parent, carry_over(store, config.name, parent, runs)
