"""What a study trains next: baseline, then variants, then the search, then fresh seeds."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from spineseg.config.study import StudyConfig
from spineseg.runs import Run
from spineseg.search_rules import place_in_space
from spineseg.trials import (
    TrialSpec,
    asked_again,
    certain_trials,
    confirmations_known,
    is_ready,
    train_config,
)
from study.search_space import suggest


def next_trial(
    config: StudyConfig, runs: Sequence[Run], trials: Sequence[FrozenTrial]
) -> TrialSpec | None:
    """Return what is begun next, failed trainings asked for again first.

    None where nothing is, until something ends or for good. `runs` are all on record, at work too,
    `trials` what Optuna's samplers know of them. What no choice hangs on is begun beside the rest.
    """
    known = {run.name for run in runs}
    certain = [spec for spec in certain_trials(config) if spec.name not in known]
    for spec in (*asked_again(runs), *certain):
        if is_ready(config, spec, runs):
            return spec
    searched = {run.name for run in runs if run.job.kind == "search"}
    if len(searched) < config.search.trials:
        drawn = _searched_next(searched, trials, config)
        return drawn if is_ready(config, drawn, runs) else None
    fresh = [spec for spec in confirmations_known(runs, config) if spec.name not in known]
    return next((spec for spec in fresh if is_ready(config, spec, runs)), None)


def place(config: StudyConfig, spec: TrialSpec) -> dict[str, Any]:
    """Return a trial's place in the searched space; a confirmation teaches the search nothing."""
    if spec.kind == "confirm":
        return {}
    return place_in_space(train_config(config, spec), config.baseline, config.search) or {}


def _searched_next(
    searched: Iterable[str], trials: Sequence[FrozenTrial], config: StudyConfig
) -> TrialSpec:
    """Return what the search trains next, by the trials so far and its place in the search alone.

    The sampler is made for this one draw and asked of a copy of the trials: so nothing hangs on
    when the process began.
    """
    number = max((_search_number(name) for name in searched), default=0) + 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(
            seed=random.Random(f"{config.search.seed}/{number}").getrandbits(32),
            n_startup_trials=config.search.startup_trials,
            group=True,  # Variants outside the space would else leave no parameter common to all.
        )
    drawn = optuna.create_study(direction="maximize", sampler=sampler)
    step = config.search.two_step
    drawn.add_trials([at_first_step(t, step.epochs) for t in trials] if step else trials)
    changes = suggest(drawn.ask(), config.search)
    different = config.baseline.difference(config.baseline.with_(**changes))
    return TrialSpec("search", f"search-{number:03d}", different)


def at_first_step(trial: FrozenTrial, epochs: int) -> FrozenTrial:
    """Return a trial as it stood after so many epochs: there all are comparable, paused or not."""
    told = trial.intermediate_values
    scores = [v for step, v in told.items() if step <= epochs and v == v]
    under_way = trial.state == TrialState.RUNNING and max(told, default=0) < epochs
    if trial.state == TrialState.FAIL or not scores or under_way:
        return trial
    return create_trial(
        state=TrialState.COMPLETE,
        value=max(scores),
        params=trial.params,
        distributions=trial.distributions,
    )


def _search_number(name: str) -> int:
    number = name.removeprefix("search-")
    return int(number) if number.isdigit() else 0
