"""Every run of a study against its baseline: the table, the page, and what both are made from."""

from __future__ import annotations

import json
import platform
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

import optuna
from optuna.trial import FrozenTrial, TrialState

from spineseg.config.numbering import Numbering
from spineseg.config.study import StudyConfig
from spineseg.data.labelled import read_films
from spineseg.data.manifest import MANIFEST_FILE, Manifest, load_manifest
from spineseg.evaluation.counts import NUMBERING_CONFIDENCE, count_film
from spineseg.evaluation.evaluate import evaluation_file, load_records, matches_file
from spineseg.evaluation.result import Evaluation
from spineseg.events import Epoch, Failed, Finished, Started, read_events
from spineseg.evidence.results import RunSummary, StudySummary
from spineseg.films import LabelledFilm
from spineseg.job import Job
from spineseg.report.answer import answer
from spineseg.report.comparison import Comparison
from spineseg.report.page import write_page
from spineseg.report.table import as_csv, as_markdown, as_text, leaderboard
from spineseg.tracking.store import open_store
from spineseg.tracking.tracked_runs import end_study_run, log_study_artifacts, open_study_run
from study.evidence import gather_evidence
from study.records import Records, trial_name
from study.sealed_test import sealed_results

_CURVES = (
    "train/box_loss",
    "train/seg_loss",
    "train/cls_loss",
    "train/dfl_loss",
    "val/box_loss",
    "val/seg_loss",
    "val/cls_loss",
    "val/dfl_loss",
    "val/box_map50",
    "val/box_map50_95",
    "val/mask_map50",
    "val/mask_map50_95",
)
_COMPARED_FILMS = 6
_OTHER: dict[Numbering, Numbering] = {"argmax": "sequence", "sequence": "argmax"}
_IMPORTANCE_TRIALS = 10  # With fewer, PED-ANOVA tells hardly any parameter from another.


@dataclass(frozen=True)
class StudyComparison:
    """What `compare` answers: the summary, and where the page was written."""

    summary: StudySummary
    page: Path

    def text(self) -> str:
        """Return the table as a person reads it, and where the page is."""
        kind = (
            "synthetic X-rays; says nothing of patients"
            if self.summary.synthetic
            else "radiographs"
        )
        return (
            f"\nstudy {self.summary.name} ({kind})\n\n{as_text(leaderboard(self.summary))}\n\n"
            f"{fill(answer(self.summary).text, 100)}\n\n"
            f"Page with curves and pictures: {self.page}\n"
        )

    def json(self) -> str:
        """Return the summary for a program."""
        return json.dumps(self.summary.model_dump(mode="json") | {"page": str(self.page)})


def compare_study(config: StudyConfig, where: Path | None = None) -> StudyComparison:
    """Compare the study's runs, write the page, and put both into the parent run.

    `where` is the study's own file, for the commands that the page names.

    Raises StoreError where the study was never run.
    """
    records = Records(config)
    study = records.load()
    summary = summarise(config, records, study).model_copy(
        update={"config_path": str(where) if where else None}
    )
    write_page(summary, _side_by_side(records, study, summary), records.report)
    rows = leaderboard(summary)
    table, csv = records.folder / "comparison.md", records.folder / "comparison.csv"
    table.write_text(as_markdown(rows))
    csv.write_text(as_csv(rows))
    store = open_store(config.store.root, config.store.mlflow_uri)
    parent = open_study_run(store, config.name)
    if all(trial.state.is_finished() for trial in study.get_trials(deepcopy=False)):
        best = summary.best_run
        end_study_run(store, parent, best.evaluation.metrics() if best and best.evaluation else {})
    log_study_artifacts(
        store,
        parent,
        {f"comparison/{path.name}": path for path in (records.report, table, csv)},
    )
    return StudyComparison(summary, records.report)


def summarise(config: StudyConfig, records: Records, study: optuna.Study) -> StudySummary:
    """Return everything that the report says, from the run folders' logs and evaluations."""
    trials = study.get_trials(deepcopy=False)
    runs = [_run(config, records, trial) for trial in trials if trial.state != TrialState.WAITING]
    finished = [
        run
        for run in runs
        if run.outcome == "completed" and run.evaluation and run.kind != "confirm"
    ]
    best = max(finished, key=lambda run: _score(run, config.objective), default=None)
    importances, reason = _importances(study)
    manifest = _manifest(records, trials)
    started = [e for t in trials for e in _events(records, t) if isinstance(e, Started)]
    return StudySummary(
        name=config.name,
        description=config.description,
        synthetic=config.synthetic,
        objective=config.objective,
        created=time.strftime("%Y-%m-%d %H:%M"),
        machine=_machine(started),
        data=_data(manifest),
        runs=runs,
        importances=importances,
        importances_reason=reason,
        best=best.name if best else None,
        space={name: axis.model_dump() for name, axis in config.search.space.items()},
        versions=dict(started[-1].environment) if started else {},
        evidence=gather_evidence(config, records, study),
        test=sealed_results(config, records, study),
    )


def _score(run: RunSummary, objective: str) -> float:
    return float(getattr(run.evaluation, objective))


def _events(records: Records, trial: FrozenTrial) -> list[Started | Epoch | Finished | Failed]:
    return read_events(records.folder_of(trial))


def _run(config: StudyConfig, records: Records, trial: FrozenTrial) -> RunSummary:
    attributes = trial.user_attrs
    folder = records.folder_of(trial)
    events = _events(records, trial)
    epochs = sorted({event.epoch: event for event in events if isinstance(event, Epoch)}.items())
    end = next((event for event in events if isinstance(event, Finished | Failed)), None)
    started = [event for event in events if isinstance(event, Started)]
    done = end if isinstance(end, Finished) else None
    wanted = config.baseline.with_(**attributes.get("changes", {}))
    return RunSummary(
        name=trial_name(trial),
        kind=attributes.get("kind", "search"),
        outcome=done.outcome if done else "failed" if end else "running",
        failure=f"{end.kind}: {end.message}" if isinstance(end, Failed) else None,
        hypothesis=attributes.get("hypothesis"),
        changes=attributes.get("changes", {}),
        evaluation=_evaluation(folder, config.numbering) if done else None,
        other_numbering=_evaluation(folder, _OTHER[config.numbering]) if done else None,
        trainer_metrics=done.trainer_metrics if done else {},
        curves={
            key: [event.metrics[key] for _, event in epochs]
            for key in _CURVES
            if epochs and all(key in event.metrics for _, event in epochs)
        },
        epochs=len(epochs),
        best_epoch=done.best_epoch if done else None,
        parameters=started[-1].parameters if started else None,
        train_seconds=sum(event.epoch_seconds for _, event in epochs),
        seed=wanted.seed,
        batch=done.batch if done else wanted.batch,
        optimizer=done.optimizer if done else wanted.optimizer,
    )


def _evaluation(folder: Path, numbering: Numbering) -> Evaluation:
    return Evaluation.load(evaluation_file(folder, numbering))


def _importances(study: optuna.Study) -> tuple[dict[str, float], str]:
    """Return each searched parameter's importance, or none and why."""
    with_parameters = [
        trial
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if trial.params
    ]
    if len(with_parameters) < _IMPORTANCE_TRIALS:
        count = len(with_parameters)
        return {}, (
            f"{count} completed trials lie in the space; at least {_IMPORTANCE_TRIALS} are needed"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Few trials: the page says how many there were.
            return dict(optuna.importance.get_param_importances(study)), ""
    except (ValueError, RuntimeError) as error:
        return {}, str(error)


def _manifest(records: Records, trials: list[FrozenTrial]) -> Manifest | None:
    for trial in trials:
        folder = records.folder_of(trial)
        if (folder / "job.json").exists():
            dataset = Job.read(folder).dataset
            return load_manifest(dataset) if (dataset / MANIFEST_FILE).exists() else None
    return None


def _data(manifest: Manifest | None) -> dict[str, object]:
    if manifest is None:
        return {}
    parts = ("train", "valid", "test")
    return {
        "fingerprint": manifest.fingerprint,
        "sources": list(manifest.source_names),
        "images": {part: manifest.count(part) for part in parts},
        "instances": {part: sum(manifest.instances(part).values()) for part in parts},
    }


def _machine(started: list[Started]) -> str:
    if not started:
        return platform.machine()
    environment = started[-1].environment
    device = "" if started[-1].device == "CPU" else f", {started[-1].device}"
    return f"{environment['processor']}, {environment['cores']} cores{device}"


def _side_by_side(records: Records, study: optuna.Study, summary: StudySummary) -> list[Comparison]:
    """Return the validation films with most mistakes of baseline and leading run, worst first."""
    trials = {trial_name(trial): trial for trial in study.get_trials(deepcopy=False)}
    wanted = ["baseline", summary.leader.name if summary.leader else ""]
    folders = [records.folder_of(trials[name]) for name in wanted if name in trials]
    if len(folders) < 2 or not all(matches_file(f, "valid").exists() for f in folders):
        return []
    films = read_films(Job.read(folders[0]).dataset, "valid")
    baseline, best = (
        {record.name: record for record in load_records(folder, Job.read(folder).numbering)}
        for folder in folders
    )
    scored = [film for film in films if {film.path.name} <= baseline.keys() & best.keys()]

    def mistakes(film: LabelledFilm) -> int:
        counts = [count_film(run[film.path.name], NUMBERING_CONFIDENCE) for run in (baseline, best)]
        return sum(c.labelled - c.right.total() + c.invented for c in counts)

    return [
        Comparison(
            film=film.path,
            truth=film.outlines,
            baseline=baseline[film.path.name].outlines(NUMBERING_CONFIDENCE),
            best=best[film.path.name].outlines(NUMBERING_CONFIDENCE),
        )
        for film in sorted(scored, key=mistakes, reverse=True)[:_COMPARED_FILMS]
    ]
