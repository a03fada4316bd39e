"""Optuna's store: opened, and brought to what the run folders say, which are the record."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import optuna
import sqlalchemy.exc
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState

from spineseg.config.search import Axis, Choices, FloatRange, IntRange
from spineseg.config.study import StudyConfig
from spineseg.errors import RecordError, StoreError
from spineseg.job import Job
from spineseg.runs import Run
from spineseg.tracking.store import without_password
from spineseg.trials import TOLD

optuna.logging.set_verbosity(optuna.logging.WARNING)
_REFUSALS = (
    OSError,
    ImportError,
    RuntimeError,
    ValueError,
    sqlalchemy.exc.SQLAlchemyError,
    optuna.exceptions.OptunaError,
)
_STATES = {
    "completed": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "running": TrialState.RUNNING,
}


def open_storage(config: StudyConfig) -> optuna.storages.RDBStorage:
    """Return Optuna's storage. Raises StoreError where it cannot be opened."""
    url, root = config.store.optuna_url, config.store.root
    options: dict[str, Any] = {}
    try:
        if url is None:
            root.mkdir(parents=True, exist_ok=True)
            url = f"sqlite:///{(root / 'optuna.db').resolve()}"
            options = {"connect_args": {"timeout": 60}}
        return optuna.storages.RDBStorage(url, engine_kwargs=options)
    except _REFUSALS as error:
        raise _unusable(url, error) from None


@contextmanager
def usable(config: StudyConfig) -> Iterator[None]:
    """Raise StoreError where Optuna's store, once open, fails the study that uses it."""
    try:
        yield
    except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.OptunaError) as error:
        told = error.__cause__ if isinstance(error.__cause__, Exception) else error
        raise _unusable(config.store.optuna_url, told) from error


def _unusable(url: str | None, error: Exception) -> StoreError:
    lines = str(getattr(error, "orig", None) or error).splitlines()
    reason = without_password((lines or [type(error).__name__])[0][:200])
    remedy = "check store.optuna_url"
    if url is None or url.startswith("sqlite:"):
        remedy = "check store.root and store.optuna_url, or move the file away: it is filled again"
    place = without_password(url or "optuna.db")
    return StoreError(f"Optuna's store {place} cannot be used ({reason}); {remedy}")


def open_study(
    config: StudyConfig,
    runs: Sequence[Run],
    may_wait: Callable[[Mapping[str, Any]], bool] = lambda told: True,
) -> optuna.Study:
    """Return the study in Optuna's store, made or brought to what its run folders say.

    `may_wait` is asked of what is told (`TOLD`) of each trial that waits; others than these are
    closed. Trials that the store lacks are added with their parameters, values, states and times;
    those that it has open are closed as their folders are. Raises StoreError where the store cannot
    be used, RecordError, naming both values, where it tells something else of a run.
    """
    storage = open_storage(config)
    try:
        study = optuna.create_study(
            study_name=config.name, storage=storage, direction="maximize", load_if_exists=True
        )
        if study.direction != optuna.study.StudyDirection.MAXIMIZE:
            raise ValueError(f"its study {config.name!r} does not maximise, so it is another's")
        _bring_up(study, storage, runs)
        _withdraw(study, storage, may_wait)
    except _REFUSALS as error:
        raise _unusable(config.store.optuna_url, error) from None
    return study


def _withdraw(
    study: optuna.Study,
    storage: optuna.storages.RDBStorage,
    may_wait: Callable[[Mapping[str, Any]], bool],
) -> None:
    """Close the trials that wait for what the config no longer asks for."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        if not may_wait({key: trial.user_attrs.get(key) for key in TOLD}):
            trial_id = _trial_id(study, storage, trial.number)
            storage.set_trial_user_attr(trial_id, "name", None)  # It never was a run.
            storage.set_trial_state_values(trial_id, TrialState.FAIL)


def _trial_id(study: optuna.Study, storage: optuna.storages.RDBStorage, number: int) -> int:
    study_id = storage.get_study_id_from_name(study.study_name)
    return storage.get_trial_id_from_study_id_trial_number(study_id, number)


def _bring_up(
    study: optuna.Study, storage: optuna.storages.RDBStorage, runs: Sequence[Run]
) -> None:
    trials = study.get_trials(deepcopy=False)
    _refuse_missing(study.study_name, trials, runs)
    for run in sorted(runs, key=lambda run: run.job.number):
        number = run.job.number
        while len(trials) < number:  # Cut off before it was a run; its number stays taken.
            study.add_trial(optuna.trial.create_trial(state=TrialState.FAIL))
            trials = study.get_trials(deepcopy=False)
        if len(trials) == number:
            study.add_trial(frozen_trial(run))
            trials = study.get_trials(deepcopy=False)
        else:
            _agree(study, storage, trials[number], run)


def _refuse_missing(study: str, trials: Sequence[FrozenTrial], runs: Sequence[Run]) -> None:
    """Refuse a store that tells of an ended run which has no folder: it would not be run again."""
    there = {run.job.number for run in runs}
    for trial in trials:
        name = trial.user_attrs.get("name")
        if trial.state.is_finished() and name is not None and trial.number not in there:
            raise RecordError(
                f"Optuna's store has run {trial.number:03d}-{name} of study {study!r} as "
                f"{trial.state.name}, and there is no folder of it; put the folder back, or name "
                "another store.optuna_url (or move optuna.db away): it is filled again from the "
                "folders, and what is missing is run again"
            )


def _agree(
    study: optuna.Study, storage: optuna.storages.RDBStorage, trial: FrozenTrial, run: Run
) -> None:
    """Close or complete the trial as its run is; refuse where the two contradict each other."""
    wanted = frozen_trial(run)
    name = trial.user_attrs.get("name")
    if name is not None and name != run.name:
        raise _contradiction(run, "the name", name, run.name)
    if trial.state.is_finished():
        _refuse_contradiction(trial, wanted, run)
        return
    if trial.params and trial.params != wanted.params:
        raise _contradiction(run, "the parameters", trial.params, wanted.params)
    trial_id = _trial_id(study, storage, trial.number)
    for key, value in wanted.user_attrs.items():
        storage.set_trial_user_attr(trial_id, key, value)
    for key, value in wanted.params.items():
        if key not in trial.params:
            axis = wanted.distributions[key]
            storage.set_trial_param(trial_id, key, axis.to_internal_repr(value), axis)
    for step, value in wanted.intermediate_values.items():
        storage.set_trial_intermediate_value(trial_id, step, value)
    if trial.state != wanted.state:
        storage.set_trial_state_values(trial_id, wanted.state, wanted.values)


def _refuse_contradiction(trial: FrozenTrial, wanted: FrozenTrial, run: Run) -> None:
    if run.end is None:
        raise RecordError(
            f"{run.folder}: Optuna's store has the run as {trial.state.name}, and its log has no "
            "end; put its events.jsonl back, or move the folder and optuna.db away to train it anew"
        )
    for what, there, here in (
        ("the state", trial.state.name, wanted.state.name),
        ("the parameters", trial.params, wanted.params),
        (f"the {run.job.objective}", trial.values, wanted.values),
        ("the epochs' scores", trial.intermediate_values, wanted.intermediate_values),
    ):
        if there != here:
            raise _contradiction(run, what, there, here)


def _contradiction(run: Run, what: str, there: object, here: object) -> RecordError:
    return RecordError(
        f"{run.folder}: Optuna's store has {what} {there}, the folder {here}; the folder is the "
        "record: name another store.optuna_url, or move optuna.db away, and it is filled again"
    )


def frozen_trial(run: Run) -> FrozenTrial:
    """Return what Optuna is to hold of a run."""
    job, state = run.job, _STATES[run.outcome]
    return FrozenTrial(
        number=job.number,
        state=state,
        value=_value(run, state),
        datetime_start=datetime.datetime.fromtimestamp(job.created),
        datetime_complete=datetime.datetime.fromtimestamp(run.end.time) if run.end else None,
        params=dict(job.parameters),
        distributions={name: distribution(job.space[name]) for name in job.parameters},
        user_attrs=attributes(job),
        system_attrs={},
        intermediate_values=reported(run),
        trial_id=-1,  # The store gives its own.
    )


def _value(run: Run, state: TrialState) -> float | None:
    """Return what Optuna has as a trial's value: of a pruned one the last that was reported."""
    if state == TrialState.COMPLETE:
        return run.value
    return run.marks[-1].score if state == TrialState.PRUNED else None


def attributes(job: Job) -> dict[str, Any]:
    """Return what is told of a run beside its trial, for whoever browses Optuna's store."""
    told = job.model_dump(mode="json", include=set(TOLD))
    return {key: told[key] for key in TOLD}


def reported(run: Run) -> dict[int, float]:
    """Return the trainer's own objective after each epoch."""
    return {mark.epoch: mark.score for mark in run.marks}


def distribution(axis: Axis) -> BaseDistribution:
    """Return an axis of the searched space as Optuna has it."""
    match axis:
        case FloatRange(low=low, high=high, log=log):
            return FloatDistribution(low, high, log=log)
        case IntRange(low=low, high=high, step=step):
            return IntDistribution(low, high, step=step)
        case Choices(choices=choices):
            return CategoricalDistribution(choices)


def in_memory(config: StudyConfig, runs: Sequence[Run]) -> optuna.Study:
    """Return the study made of its run folders alone, for what only reads it."""
    study = optuna.create_study(study_name=config.name, direction="maximize")
    study.add_trials([frozen_trial(run) for run in runs])
    return study
