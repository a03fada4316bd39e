"""Optuna's study: made of the run folders, which are the record, and its database held to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from spineseg.config.study import StudyConfig
from spineseg.database import patiently
from spineseg.runs import Run
from study.optuna_projection import OptunaProjection


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
