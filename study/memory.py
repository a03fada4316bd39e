"""The study that the driver asks: in memory, made of the run folders, by Optuna's own rules.

Optuna's database is filled from the same folders, at its own pace: nothing here waits for it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import optuna
from optuna.trial import TrialState, create_trial

from spineseg.config.study import StudyConfig
from spineseg.events import Failed, Finished
from spineseg.runs import Run
from study.judging import AuditedPruner
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


class Memory:
    """All trials of a study so far, by the numbers of their runs."""

    def __init__(self, config: StudyConfig, runs: Sequence[Run], first_free: int = 0) -> None:
        """Take in the runs on record; numbers below `first_free` are given to no further one."""
        self.study = in_memory(config, runs)
        self.study.sampler = optuna.samplers.RandomSampler()  # Never asked.
        self.study.pruner = _pruner(config)
        self._fill_up(first_free)

    @property
    def next_number(self) -> int:
        """The number of the next trial."""
        return len(self.trials)

    @property
    def trials(self) -> list[optuna.trial.FrozenTrial]:
        """All trials, those too that never were a run."""
        return self.study.get_trials(deepcopy=False)

    def begin(self, run: Run) -> None:
        """Take a run in, as it is on record."""
        self._fill_up(run.job.number)
        self.study.add_trial(frozen_trial(run))

    def trial(self, run: Run) -> optuna.Trial:
        """Return the trial of a run that was taken in, to report to."""
        # Optuna hands a trial only to whoever asked for it; what was asked for elsewhere is made
        # of its id, which a FrozenTrial has in this field alone.
        return optuna.Trial(self.study, self.trials[run.job.number]._trial_id)

    def _fill_up(self, number: int) -> None:
        while self.next_number < number:  # Withdrawn, or of a folder that is gone.
            self.study.add_trial(create_trial(state=TrialState.FAIL))


def _pruner(config: StudyConfig) -> optuna.pruners.BasePruner:
    pruner = config.search.pruner
    if pruner is None or config.search.two_step is not None:
        return optuna.pruners.NopPruner()
    return AuditedPruner(
        pruner.keep_percent,
        n_startup_trials=pruner.startup_trials,
        n_warmup_steps=pruner.warmup_epochs,
    )


def tell(study: optuna.Study, trial: optuna.Trial, end: Finished | Failed, objective: str) -> None:
    """Close a trial with the same word that the log has."""
    state, values = TrialState.FAIL, None
    if isinstance(end, Finished):
        state = TrialState.COMPLETE if end.outcome == "completed" else TrialState.PRUNED
        values = end.metrics[f"best/{objective}"] if end.outcome == "completed" else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study.tell(trial, values, state=state)
