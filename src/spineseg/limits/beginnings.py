"""Whether a study may begin a training now: its budgets, its deadline, the room on its disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from spineseg.config.study import StudyConfig
from spineseg.errors import FullDiskError
from spineseg.job import Job
from spineseg.limits.budget import Budget
from spineseg.limits.deadline import may_not_begin, passed
from spineseg.limits.disk import refuse_full
from spineseg.places import StudyPlaces
from spineseg.runs import Run
from spineseg.time_left import begun_anew, measured, so_far


class Beginnings:
    """Asked before each training; a reason that it gives is said once."""

    def __init__(
        self, config: StudyConfig, places: StudyPlaces, say: Callable[[str], None]
    ) -> None:
        """Prepare to count against the limits of `config`."""
        self._config, self._places, self._say = config, places, say
        self._budget = Budget(config.limits)
        self._said = ""

    def may_begin(self, runs: Sequence[Run]) -> bool:
        """Return whether a budget is left for one training more."""
        return self._let(self._budget.spent(runs))

    def may_train(self, run: Run, runs: Sequence[Run]) -> bool:
        """Return whether a training, begun or gone on with, gets anywhere before the deadline."""
        if self._config.limits.deadline is None:
            return True
        now = time.time()
        before = begun_anew(so_far(run), now) if run.log else None
        rates = measured(self._config, runs)
        wanted = run.job.config
        return self._let(may_not_begin(self._config.limits, wanted, rates, now, before))

    def has_room(self, job: Job, runs: Sequence[Run], under_way: Sequence[Job]) -> bool:
        """Return whether a training finds the room that it needs, beside those under way.

        Raises FullDiskError, in one line, where it does not, and none is under way that may end.
        """
        copied = self._config.store.mlflow_uri is None
        try:
            refuse_full(job, runs, self._places, under_way=under_way, copied=copied)
        except FullDiskError as error:
            if not under_way:
                raise
            return self._let(str(error))
        return True

    def is_over(self) -> bool:
        """Return whether the deadline has come that puts all trainings at rest."""
        return passed(self._config.limits, time.time()) == "checkpoint"

    def _let(self, reason: str | None) -> bool:
        if reason and reason != self._said:
            self._said = reason
            self._say(f"{reason}: nothing more is begun")
        return reason is None
