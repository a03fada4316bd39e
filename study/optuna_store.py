"""Optuna's study: made of the run folders, which are the record, and its database held to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import optuna
import sqlalchemy.exc
from optuna.trial import TrialState

from spineseg.config.study import StudyConfig
from spineseg.database import patiently
from spineseg.runs import Run
from study.optuna_database import refusing
from study.optuna_database import study_held as study_held
from study.optuna_projection import OptunaProjection
from study.optuna_projection import open_study as open_study
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


@contextmanager
def usable(config: StudyConfig) -> Iterator[None]:
    """Raise StoreError where Optuna's store, once open, fails the study that uses it."""
    try:
        yield
    except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.OptunaError) as error:
        with refusing(config):
            raise error
