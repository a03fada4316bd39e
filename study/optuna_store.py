"""Optuna's study: made of the run folders, which are the record, and its database held to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import optuna
from optuna.trial import TrialState

from spineseg.config.study import StudyConfig
from spineseg.database import patiently
from spineseg.lease import Lease
from spineseg.runs import Run
from study.optuna_database import open_storage, refusing
from study.optuna_projection import OptunaProjection
from study.optuna_trials import frozen_trial


def in_memory(config: StudyConfig, runs: Sequence[Run]) -> optuna.Study:
    """Return the study made of its run folders alone; its trials have the runs' numbers.

    A number that no folder has is a failed trial without a name.
    """
    study = optuna.create_study(study_name=config.name, direction="maximize")
    trials = {run.job.number: frozen_trial(run) for run in runs}
    none = optuna.trial.create_trial(state=TrialState.FAIL)
    study.add_trials([trials.get(number, none) for number in range(max(trials, default=-1) + 1)])
    return study


@contextmanager
def study_held(
    config: StudyConfig,
    say: Callable[[str], None],
    stopping: Callable[[], bool] = lambda: False,
) -> Iterator[Lease]:
    """Hold the study in Optuna's database alone; a database that is locked is waited for.

    Raises InUseError where another driver, of another root or machine, has it.
    """

    def taken() -> Lease:
        storage = open_storage(config)
        lease = Lease(storage.engine, config.name, config.store.root, say=say)
        lease.take()
        return lease

    lease = patiently(taken, say, stopping=stopping)
    try:
        yield lease
    finally:
        lease.let_go()


def first_free_number(
    config: StudyConfig,
    runs: Sequence[Run],
    say: Callable[[str], None] = lambda text: None,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Return the number for the next run: after all folders, and all trials of Optuna's database.

    Trials that wait there, or were cut off before they were runs, as earlier versions left them,
    are closed. Raises StoreError where the database cannot be used, RecordError, naming both
    values, where it tells something else of a run.
    """

    def asked() -> int:
        projection = OptunaProjection(config)
        projection.open()
        trials = projection.refuse_contradictions(runs)
        there = {run.job.number for run in runs}
        projection.close_trials(
            stored
            for number, stored in trials.items()
            if number not in there and not stored.is_closed
        )
        return max([-1, *there, *trials]) + 1

    return patiently(asked, say, stopping=stopping)


def fill_optuna(config: StudyConfig, runs: Sequence[Run], say: Callable[[str], None]) -> None:
    """Bring the database to what the folders say, where no driver has the study.

    Raises InUseError where one has it, and what `open_study` raises.
    """
    with study_held(config, say):
        patiently(lambda: open_study(config, runs), say)


def open_study(config: StudyConfig, runs: Sequence[Run]) -> optuna.Study:
    """Return the study in Optuna's database, made or brought to what its run folders say.

    Raises StoreError where the database cannot be used, RecordError, naming both values, where it
    tells something else of a run.
    """
    projection = OptunaProjection(config)
    projection.open()
    trials = projection.refuse_contradictions(runs)
    for run in sorted(runs, key=lambda run: run.job.number):
        stored = trials.get(run.job.number)
        if stored is None or not stored.is_closed or stored.never_was_a_run:
            projection.bring_up(run)
    with refusing(config):
        return optuna.load_study(study_name=config.name, storage=projection.storage)
