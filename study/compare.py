"""Every run of a study against its baseline: the table, the page, and both put into MLflow."""

from __future__ import annotations

import logging
import shlex
import warnings
from pathlib import Path

import optuna
from optuna.trial import TrialState

from spineseg.config.recorded import reference
from spineseg.config.study import StudyConfig
from spineseg.database import StoreAwayError
from spineseg.errors import InUseError, RefusedError, StoreError
from spineseg.evidence.results import StudySummary
from spineseg.evidence.study_difference import Asked
from spineseg.evidence.summary import summarise
from spineseg.evidence.two_studies import TwoStudies, compare_studies
from spineseg.families_measured import measure_families
from spineseg.files import write_whole
from spineseg.film_pictures import picture_names, shown_films
from spineseg.live_line import doing
from spineseg.places import StudyPlaces
from spineseg.report.page import write_page
from spineseg.report.sections.answer import answer
from spineseg.report.study_comparison import StudyComparison
from spineseg.report.study_note import study_note
from spineseg.report.table import as_csv, as_markdown, leaderboard
from spineseg.report.worst_films import worst_films
from spineseg.study_record import StudyRecord, read_study
from spineseg.tracking.filled import filled_mlflow
from spineseg.tracking.store import is_remote, open_store
from spineseg.tracking.tracked_runs import (
    artifact_page,
    end_study_run,
    log_study_artifacts,
    write_study_note,
)
from spineseg.tracking.views.written import write_views
from spineseg.trials import most_trainings, refuse_another
from study.memory import in_memory
from study.optuna_projection import fill_optuna

_IMPORTANCE_TRIALS = 10  # With fewer, PED-ANOVA tells hardly any parameter from another.
_OPTUNA_SECONDS = 10.0  # For its database, which nothing here needs.
_WAIT_SECONDS = 3.0  # Another `compare` has the stores for a moment, a driver for hours.
log = logging.getLogger(__name__)


def compare_study(config: StudyConfig) -> StudyComparison:
    """Compare the study's runs, write the page, and bring both stores to what the folders say.

    While another process runs, promotes or compares the study, its stores are left to that one.

    An MLflow server that does not answer, and Optuna's database, away or in another's hands, is
    told in a line and waited for briefly. Raises StoreError where the study was never run,
    RecordError where its folder is damaged, ConfigError where the config is another than its runs
    were made by.
    """
    doing("comparing the runs: intervals, p-values")
    study, found = summarised(config)
    summary = found.model_copy(update={"reference": shlex.join(reference(config))})
    places = study.places
    doing("writing the page")
    write_page(summary, worst_films(study, summary), places.report)
    rows = leaderboard(summary)
    table, csv = places.folder / "comparison.md", places.folder / "comparison.csv"
    write_whole(table, as_markdown(rows))
    write_whole(csv, as_csv(rows))
    write_whole(places.answer, answer(summary).text)
    _into_mlflow(config, study, summary, [places.report, table, csv])
    return StudyComparison(summary, places.report)


def summarised(config: StudyConfig) -> tuple[StudyRecord, StudySummary]:
    """Return the study's record and what it shows. Raises as `compare_study` does."""
    study = _record(config)
    measure_families(study, doing)
    return study, summarise(config, study, *_importances(config, study))


def _record(config: StudyConfig) -> StudyRecord:
    study = read_study(StudyPlaces(config.store.root, config.name))
    refuse_another(config, study.runs, None)
    return study


def compare_with(config: StudyConfig, other: StudyConfig) -> TwoStudies:
    """Compare two studies by their records; nothing is written.

    Raises StoreError where one was never run, and what `compare_studies` raises.
    """
    one, two = (
        Asked(
            each.name if config.name != other.name else f"{each.name} ({each.store.root})",
            each,
            _record(each),
        )
        for each in (config, other)
    )
    return compare_studies(one, two)


def _into_mlflow(
    config: StudyConfig, study: StudyRecord, summary: StudySummary, files: list[Path]
) -> None:
    doing("bringing MLflow and Optuna to what the folders say")
    with study.places.lock_within(_WAIT_SECONDS) as free:
        if not free:
            log.warning(
                "study %r is in the hands of process %s: the page is written, the stores are left "
                "to it",
                config.name,
                study.places.holder(),
            )
            return
        try:
            fill_optuna(config, study.runs, log.warning, _OPTUNA_SECONDS)
        except (StoreAwayError, InUseError) as error:
            log.warning("%s: the page is written, MLflow is filled without it", error)
        try:
            _brought(config, study, summary, files)
        except StoreError as error:
            if isinstance(error, RefusedError) or not is_remote(config.store.mlflow_uri):
                raise
            log.warning("%s: the page is written; MLflow follows with the next command", error)


def _brought(
    config: StudyConfig, study: StudyRecord, summary: StudySummary, files: list[Path]
) -> None:
    store = open_store(study.places.root, config.store.mlflow_uri)
    parent = filled_mlflow(store, config, study)
    log_study_artifacts(store, parent, {f"comparison/{path.name}": path for path in files})
    page = artifact_page(store, parent, f"comparison/{study.places.report.name}")
    write_study_note(store, parent, study_note(summary, page, most_trainings(config)))
    best = study.run(summary.best) if summary.best else None
    shown = picture_names(shown_films(study.manifest))
    write_views(store, config, shown, best.job.id if best else None)
    ends = [run.end.time for run in study.runs if run.end]
    if len(ends) == len(study.runs):
        end_study_run(store, parent, max(ends))


def _importances(config: StudyConfig, study: StudyRecord) -> tuple[dict[str, float], str]:
    """Return each searched parameter's importance, or none and why."""
    searched = in_memory(config, study.runs)
    completed = searched.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    count = sum(bool(trial.params) for trial in completed)
    if count < _IMPORTANCE_TRIALS:
        return {}, (
            f"{count} completed trials lie in the space; at least {_IMPORTANCE_TRIALS} are needed"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Few trials: the page says how many there were.
            return dict(optuna.importance.get_param_importances(searched)), ""
    except (ValueError, RuntimeError) as error:
        return {}, str(error)
