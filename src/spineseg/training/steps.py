"""How many steps a training takes and how often its weights change, counted as the trainer does."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

import numpy as np

from spineseg.config.training import TrainConfig

LEAST_UPDATES = 4
"""Of the weights, in all: the default study's trainings have four and are told apart."""


class Steps(NamedTuple):
    """Steps are batches; an update is a change of the weights, after one batch or several."""

    an_epoch: int
    in_all: int
    updates: int


def steps_of(config: TrainConfig, films: int) -> Steps:
    """Return the steps of a training on so many films.

    Ultralytics gathers the gradients of `nominal_batch` films before it changes the weights; in
    the warm-up it begins with one batch and comes to that (its engine/trainer.py). The loop of the
    other families gathers as many within each epoch, from the first on.
    """
    an_epoch = ceil(films / config.batch)
    if config.family != "yolo":
        gathered = min(max(round(config.nominal_batch / config.batch), 1), an_epoch)
        in_all, updates = an_epoch * config.epochs, ceil(an_epoch / gathered) * config.epochs
        return Steps(an_epoch, in_all, updates)
    in_all = an_epoch * config.epochs
    gathered = min(max(round(config.nominal_batch / config.batch), 1), in_all)
    warmup = round(min(config.warmup_epochs, config.epochs - 1) * an_epoch)
    updates, last, batches = 0, -1, gathered
    for step in range(in_all):
        if warmup and step <= warmup:
            batches = max(1, int(np.interp(step, [0, warmup], [1, gathered]).round()))
        elif not step % 1000:  # From here on it is even: no need to count a long training through.
            return Steps(an_epoch, in_all, updates + (in_all - 1 - last) // batches)
        if step - last >= batches:
            updates, last = updates + 1, step
    return Steps(an_epoch, in_all, updates)


def few_steps(config: TrainConfig, films: int) -> str | None:
    """Return in a line why such trainings will hardly differ; None where they are long enough."""
    steps = steps_of(config, films)
    if steps.updates >= LEAST_UPDATES:
        return None
    times = "1 step" if steps.an_epoch == 1 else f"{steps.an_epoch} steps"
    changed = "once" if steps.updates == 1 else f"{steps.updates} times"
    return (
        f"{films} training films at batch {config.batch} are {times} an epoch, {steps.in_all} in "
        f"all, and the weights change {changed} (after {config.nominal_batch} films each): "
        "trainings will hardly differ; raise baseline.epochs, or lower baseline.nominal_batch"
    )
