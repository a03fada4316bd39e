"""A trial that hears each epoch, and is given up by the study's pruner or not."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, cast

import optuna
from optuna.trial import FrozenTrial

from spineseg.config.search import SearchConfig
from spineseg.events import Epoch
from spineseg.job import Job
from spineseg.prune_audit import AUDITED, given_up_after, runs_on


def report(trial: optuna.Trial, epoch: Epoch, objective: str) -> None:
    """Tell a trial its score after an epoch; of one trained again, after a death, the later."""
    score = epoch.score(objective)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trial.report(score, epoch.epoch)
    # Of a step that it knows, `report` keeps the value before; only the storage takes the later.
    trial.storage.set_trial_intermediate_value(trial._trial_id, epoch.epoch, score)


def is_hopeless(
    trial: optuna.Trial, epoch: Epoch, run_folder: Path, job: Job, search: SearchConfig
) -> bool:
    """Return whether the pruner gives up a trial of which this is the last epoch so far.

    One that is audited runs on; after which epoch it had been given up is noted in its folder.
    """
    if epoch.epoch >= job.config.epochs or not trial.should_prune():
        return False
    if not runs_on(run_folder, job, epoch.epoch, search):
        return True
    trial.set_user_attr(AUDITED, given_up_after(run_folder))
    return False


class AuditedPruner(optuna.pruners.PercentilePruner):
    """Judges by the trials that it kept: else what is audited would lower the mark for others."""

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Return whether a trial is given up."""
        return super().prune(cast(optuna.Study, _Kept(study)), trial)


class _Kept:
    """A study without the trials that were given up and run on."""

    def __init__(self, study: optuna.Study) -> None:
        self._study, self.direction = study, study.direction

    def get_trials(self, **asked: Any) -> list[FrozenTrial]:
        return [t for t in self._study.get_trials(**asked) if AUDITED not in t.user_attrs]
