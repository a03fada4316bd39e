"""A trial that hears each epoch, and is given up by the study's pruner or not."""

from __future__ import annotations

import warnings

import optuna

from spineseg.events import Epoch
from spineseg.job import Job


def report(trial: optuna.Trial, epoch: Epoch, objective: str) -> None:
    """Tell a trial its score after an epoch; of one trained again, after a death, the later."""
    score = epoch.score(objective)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trial.report(score, epoch.epoch)
    # Of a step that it knows, `report` keeps the value before; only the storage takes the later.
    trial.storage.set_trial_intermediate_value(trial._trial_id, epoch.epoch, score)


def is_hopeless(trial: optuna.Trial, epoch: Epoch, job: Job) -> bool:
    """Return whether the pruner gives up a trial of which this is the last epoch so far."""
    return epoch.epoch < job.config.epochs and trial.should_prune()
