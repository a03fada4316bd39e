"""A study looked at from outside, when all is over: folders, both databases, processes, locks."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from fault_study import FaultStudy, until
from optuna.distributions import json_to_distribution

from spineseg.events import EVENTS_FILE, Epoch, Failed, Finished, Started
from spineseg.files import is_locked
from spineseg.runs import Run, read_runs
from study.optuna_trials import frozen_trial
from study.trial_queue import _searched_next

_STATES = {"completed": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}
_STATUSES = {"completed": "FINISHED", "pruned": "FINISHED", "failed": "FAILED"}
_UNSURE_SECONDS = 3.0  # A driver hears of an end when it looks; so late on a loaded machine.


def problems(study: FaultStudy, mlflow: Path, artifacts: Path) -> list[str]:
    """Return what is wrong with a study that is at its end, a line each; nothing where all is well.

    `mlflow` is the database that MLflow's store or server keeps, `artifacts` where its files lie.
    """
    runs = read_runs(study.places.folder)
    found = [*_in_folders(study, runs), *_left_over(study), *_in_optuna(study, runs)]
    found += _in_mlflow(study.config.name, runs, mlflow, artifacts)
    return found


def wrong(study: FaultStudy) -> list[str]:
    """Return the problems of a study whose stores are its own."""
    root = study.config.store.root
    return problems(study, root / "mlflow.db", root / "artifacts")


def _in_folders(study: FaultStudy, runs: list[Run]) -> Iterator[str]:
    for run in runs:
        ends = sum(isinstance(event, Finished | Failed) for event in run.log)
        if ends != 1:
            yield f"{run.folder.name}: {ends} ends in its log"
        numbers = [epoch.epoch for epoch in run.epochs]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"{run.folder.name}: epochs {numbers} in its log"
        yield from in_order(run, keeps_all=study.keeps_all)
    numbers = [run.job.number for run in runs]
    if numbers != list(range(len(numbers))):
        yield f"numbers of runs are {numbers}"


def in_order(run: Run, *, keeps_all: bool) -> Iterator[str]:
    """Tell of epochs said out of order, or again though all before were kept."""
    best = last = attempt = 0
    said: dict[int, dict[str, float]] = {}
    for event in run.log:
        if isinstance(event, Started):
            if event.resumed_from_epoch > best or (keeps_all and event.resumed_from_epoch < best):
                yield f"{run.folder.name}: goes on from {event.resumed_from_epoch} after {best}"
            if event.resumed_from_epoch < best and event.attempt <= attempt:
                yield f"{run.folder.name}: attempt {event.attempt} begins twice"
            last, attempt = event.resumed_from_epoch, event.attempt
        elif isinstance(event, Epoch):
            if event.epoch != last + 1:
                yield f"{run.folder.name}: epoch {event.epoch} after {last}"
            if said.setdefault(event.epoch, event.metrics) != event.metrics:
                yield f"{run.folder.name}: epoch {event.epoch} is another, trained again"
            last = event.epoch
            best = max(best, last)


def _left_over(study: FaultStudy) -> Iterator[str]:
    with contextlib.suppress(AssertionError):
        until(lambda: not study.processes(), 20)  # They notice within a second or two.
    for process in study.processes():
        yield f"left behind: process {process.pid} {' '.join(process.cmdline())[:80]}"
    for lock in study.path.parent.rglob("*lock"):
        if is_locked(lock):
            yield f"left behind: {lock.name} of {lock.parent.name} is held"


def _rows(database: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as opened:
        return opened.execute(query, values).fetchall()


def _in_optuna(study: FaultStudy, runs: list[Run]) -> Iterator[str]:
    database = study.config.store.root / "optuna.db"
    asked = (
        "SELECT t.trial_id, t.number, t.state FROM trials t JOIN studies s USING (study_id) "
        "WHERE s.study_name = ? ORDER BY t.number"
    )
    trials = _rows(database, asked, study.config.name)
    numbers = [number for _, number, _ in trials]
    if numbers != [run.job.number for run in runs]:
        yield f"Optuna has trials {numbers}, the folders {[run.job.number for run in runs]}"
        return
    for (trial, number, state), run in zip(trials, runs, strict=True):
        if state != _STATES.get(run.outcome):
            yield f"Optuna's trial {number} is {state}, its run {run.outcome}"
        steps = "SELECT step, intermediate_value FROM trial_intermediate_values WHERE trial_id = ?"
        told = sorted(_rows(database, steps, trial))
        real = [(epoch.epoch, epoch.score(run.job.objective)) for epoch in run.epochs]
        if not _same(told, real):
            yield f"Optuna's trial {number} has values {told}, its run {real}"
        values = _rows(database, "SELECT value FROM trial_values WHERE trial_id = ?", trial)
        want = [(run.value,)] if run.outcome == "completed" else []
        if run.outcome == "pruned":  # Optuna takes the last epoch's, where nothing is said.
            want = [(run.epochs[-1].score(run.job.objective),)]
        if not _same(values, want):
            yield f"Optuna's trial {number} ended with {values}, its run with {want}"
        asked = "SELECT param_name, param_value, distribution_json FROM trial_params "
        params = {
            name: json_to_distribution(distribution).to_external_repr(value)
            for name, value, distribution in _rows(database, f"{asked}WHERE trial_id = ?", trial)
        }
        if run.job.kind != "confirm" and params != run.job.parameters:
            yield f"Optuna's trial {number} has {params}, its job {run.job.parameters}"


def _same(one: list[tuple[Any, ...]], other: list[tuple[Any, ...]]) -> bool:
    return len(one) == len(other) and all(
        math.isclose(a, b, rel_tol=1e-9)
        for mine, theirs in zip(one, other, strict=True)
        for a, b in zip(mine, theirs, strict=True)
    )


def _in_mlflow(study: str, runs: list[Run], database: Path, artifacts: Path) -> Iterator[str]:
    asked = (
        "SELECT r.run_uuid, r.status, r.artifact_uri, e.experiment_id FROM runs r JOIN experiments "
        "e USING (experiment_id) WHERE e.name = ?"
    )
    rows = {run: (status, uri) for run, status, uri, _ in _rows(database, asked, study)}
    marks = ",".join("?" * len(rows))
    tags: dict[str, dict[str, str]] = defaultdict(dict)
    for run, key, value in _rows(
        database, f"SELECT run_uuid, key, value FROM tags WHERE run_uuid IN ({marks})", *rows
    ):
        tags[run][key] = value
    jobs = Counter(tags[run].get("job_id") for run in rows)
    parents = [run for run in rows if "study_key" in tags[run]]
    if len(parents) != 1 or jobs.pop(None, 0) != 1:
        yield f"MLflow has {len(parents)} runs of the study itself"
    if jobs != Counter(run.job.id for run in runs):
        yield f"MLflow has {sum(jobs.values())} runs of {len(jobs)} jobs, not one of {len(runs)}"
    counted = (
        f"SELECT run_uuid, key, step, COUNT(*) FROM metrics WHERE run_uuid IN ({marks}) "
        "GROUP BY run_uuid, key, step HAVING COUNT(*) > 1"
    )
    for run, key, step, count in _rows(database, counted, *rows):
        yield f"MLflow has {count} values of {key} at step {step} of {tags[run].get('trial_key')}"
    ids = {tags[run].get("job_id"): run for run in rows}
    for run in runs:
        if mine := ids.get(run.job.id):
            yield from _one_in_mlflow(run, mine, *rows[mine], database, artifacts)
    for run, (status, _) in rows.items():
        if status == "RUNNING":
            yield f"MLflow still has {tags[run].get('trial_key', 'the study')} RUNNING"


def _one_in_mlflow(
    run: Run, tracked: str, status: str, uri: str, database: Path, artifacts: Path
) -> Iterator[str]:
    if status != _STATUSES.get(run.outcome):
        yield f"MLflow has {run.folder.name} {status}, and it is {run.outcome}"
    key = f"valid/{run.job.objective}"
    asked = "SELECT step, value FROM metrics WHERE run_uuid = ? AND key = ? ORDER BY step"
    told = [step for step, _ in _rows(database, asked, tracked, key)]
    if told != [epoch.epoch for epoch in run.epochs]:
        yield f"MLflow has epochs {told} of {run.folder.name}, which has {len(run.epochs)}"
    folder = artifacts / uri.split(artifacts.name + "/")[-1].removeprefix("mlflow-artifacts:/")
    there = Counter(path.name for path in folder.rglob("*") if path.is_file())
    wanted = {"events.jsonl"} | ({"best.pt"} if run.finished else set())
    if lacking := [name for name in sorted(wanted) if there[name] != 1]:
        yield f"MLflow has not one each of {lacking} of {run.folder.name}, but {dict(there)}"


def unexplained(study: FaultStudy) -> list[str]:
    """Return the searched trials whose parameters the sampler does not give for their history.

    With several slots the order of ends decides what is drawn. A driver looks at ends now and
    then: whether it knew one from just before a draw is open, so each way is tried.
    """
    runs = read_runs(study.places.folder)
    return [
        f"{run.name}: {json.dumps(run.job.parameters)} is not drawn from what was known then"
        for run in runs
        if run.job.kind == "search" and not _is_drawn(study, run, runs)
    ]


def _is_drawn(study: FaultStudy, run: Run, runs: list[Run]) -> bool:
    before = [other for other in runs if other.job.number < run.job.number]
    searched = [other.name for other in before if other.job.kind == "search"]
    since = run.job.created
    ended = [other for other in before if other.end and _written_at(other) < since]
    unsure = [other for other in ended if _written_at(other) > since - _UNSURE_SECONDS]
    for count in range(len(unsure) + 1):
        for unheard in itertools.combinations(unsure, count):
            history = [
                frozen_trial(other)
                if other in ended and other not in unheard
                else frozen_trial(Run(other.folder, other.job, ()))
                for other in before
            ]
            drawn = _searched_next(searched, history, study.config)
            if drawn.name == run.name and drawn.changes == run.job.changes:
                return True
    return False


def _written_at(run: Run) -> float:
    """Return when a run's end came into its folder: from a node it comes later than it is said."""
    return (run.folder / EVENTS_FILE).stat().st_mtime
