"""Ways to search, on made-up learning curves: each yields epochs spent and scores that ended."""

from __future__ import annotations

import json
import random
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import optuna
from learning_curves import Landscape, unit, value_at

from spineseg.config.search import Choices, PrunerConfig, SearchConfig
from study.search_space import suggest

Ended = Iterator[tuple[int, float]]
"""Epochs that were spent since the last one, and the final score of a training that ended."""


class Task(NamedTuple):
    """What is searched: a landscape by the space of a study, with a seed of the search's own."""

    land: Landscape
    search: SearchConfig
    start: dict[str, Any]  # The baseline's values, clipped to the space.
    seed: int

    def curve(self, changes: dict[str, Any], number: int) -> np.ndarray:
        """Return the scores of the trial of a number."""
        return self.land.curve(changes, self.seed * 100_000 + number)


def random_search(task: Task) -> Ended:
    """Draw evenly, train each to its end."""
    rng = np.random.default_rng([task.seed, 7])
    number = 0
    while True:
        number += 1
        yield task.land.epochs, float(task.curve(task.land.random(rng), number).max())


def _asked(task: Task, pruner: optuna.pruners.BasePruner | None = None) -> optuna.Study:
    sampler = optuna.samplers.TPESampler(
        seed=random.Random(f"{task.seed}/tpe").getrandbits(32),
        n_startup_trials=task.search.startup_trials,
        group=True,
    )
    return optuna.create_study(
        direction="maximize", sampler=sampler, pruner=pruner or optuna.pruners.NopPruner()
    )


def _drawn(trial: optuna.Trial, task: Task) -> dict[str, Any]:
    changes = suggest(trial, task.search)
    return {name: changes[name] for name in task.search.space}


def tpe(task: Task) -> Ended:
    """Draw by TPE as the study does, train each to its end."""
    study = _asked(task)
    while True:
        trial = study.ask()
        score = float(task.curve(_drawn(trial, task), trial.number).max())
        study.tell(trial, score)
        yield task.land.epochs, score


def percentile(task: Task) -> Ended:
    """Draw by TPE, give up what is not among the best share, as the study does."""
    asked = task.search.pruner or PrunerConfig()
    study = _asked(
        task,
        optuna.pruners.PercentilePruner(
            asked.keep_percent,
            n_startup_trials=asked.startup_trials,
            n_warmup_steps=asked.warmup_epochs,
        ),
    )
    spent = 0
    while True:
        trial = study.ask()
        curve = task.curve(_drawn(trial, task), trial.number)
        for epoch, score in enumerate(curve, start=1):
            spent += 1
            trial.report(float(score), epoch)
            if epoch < len(curve) and trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, float(curve.max()))
            yield spent, float(curve.max())
            spent = 0


def two_step(first: int, keep: int, trials: int) -> Callable[[Task], Ended]:
    """Train each to its first epochs of the whole schedule, and the best few on to the end."""

    def search(task: Task) -> Ended:
        study = _asked(task)
        spent = 0
        while True:  # Where a round of trials did not get there, another follows.
            curves = []
            for _ in range(trials):
                trial = study.ask()
                curve = task.curve(_drawn(trial, task), trial.number)
                study.tell(trial, float(curve[:first].max()))
                spent += first
                curves.append(curve)
            for curve in sorted(curves, key=lambda c: -float(c[:first].max()))[:keep]:
                yield spent + len(curve) - first, float(curve.max())
                spent = 0

    return search


def model_tune(folder: Path) -> Callable[[Task], Ended]:
    """Mutate as the installed Ultralytics' `model.tune` does, by its own code, without training.

    It starts with the baseline and knows linear ranges of numbers alone: a choice is one between
    its ends, and taken as the nearest.
    """
    from ultralytics.engine import tuner as installed

    def search(task: Task) -> Ended:
        rng = np.random.default_rng([task.seed, 11])
        space = task.search.space
        ends: dict[str, tuple[float, float]] = {}
        for name, axis in space.items():
            choice = isinstance(axis, Choices)
            low, high = (0.0, 1.0) if choice else (axis.low, axis.high)  # type: ignore[union-attr]
            ends[name] = (float(low), float(high))
        start = {
            name: unit(axis, task.start[name]) if isinstance(axis, Choices) else task.start[name]
            for name, axis in space.items()
        }
        tuner = installed.Tuner.__new__(installed.Tuner)
        vars(tuner).update(space=ends, mongodb=None, prefix="")
        tuner.args = types.SimpleNamespace(**start)
        tuner.tune_file = folder / f"{task.seed}-{id(task)}.ndjson"
        number = 0
        while True:
            number += 1
            with patch.object(installed.np.random, "default_rng", lambda: rng):
                genes = tuner._mutate()
            changes = {
                name: value_at(axis, genes[name]) if isinstance(axis, Choices) else genes[name]
                for name, axis in space.items()
            }
            score = float(task.curve(changes, number).max())
            told = {"iteration": number, "fitness": round(score, 5), "hyperparameters": genes}
            with tuner.tune_file.open("a") as log:
                log.write(json.dumps(told) + "\n")
            yield task.land.epochs, score

    return search
