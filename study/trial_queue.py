"""The one queue of a study: baseline, then variants, then the search; interrupted runs first."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from spineseg.config.study import StudyConfig
from spineseg.runs import Run
from spineseg.trials import TrialSpec, train_config
from study.search_space import place_in_space, suggest


def enqueue(study: optuna.Study, config: StudyConfig, specs: Iterable[TrialSpec]) -> int:
    """Queue what is neither on record nor waiting yet; return how many."""
    known = {trial.user_attrs.get("name") for trial in study.get_trials(deepcopy=False)}
    fresh = [spec for spec in specs if spec.name not in known]
    for spec in fresh:
        study.enqueue_trial(_place(config, spec) or {}, user_attrs=spec.attributes())
    return len(fresh)


def _place(config: StudyConfig, spec: TrialSpec) -> dict[str, Any] | None:
    """Return a trial's place in the searched space; a confirmation teaches the search nothing."""
    if spec.kind == "confirm":
        return None
    return place_in_space(train_config(config, spec), config.baseline, config.search)


def searched(trials: Iterable[FrozenTrial]) -> int:
    """Return how many of the trials belong to the search."""
    named = (t.user_attrs for t in trials if t.user_attrs.get("name") is not None)
    return sum(attributes.get("kind") == "search" for attributes in named)


def set_sampler(study: optuna.Study, config: StudyConfig) -> None:
    """Give the study its seeded sampler and its pruner."""
    trials = len(study.get_trials(deepcopy=False))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.sampler = optuna.samplers.TPESampler(
            seed=config.search.seed + trials,  # A study that goes on must not draw the same again.
            n_startup_trials=config.search.startup_trials,
            group=True,  # Variants outside the space would else leave no parameter common to all.
        )
    pruner = config.search.pruner
    study.pruner = (
        optuna.pruners.NopPruner()
        if pruner is None
        else optuna.pruners.PercentilePruner(
            pruner.keep_percent,
            n_startup_trials=pruner.startup_trials,
            n_warmup_steps=pruner.warmup_epochs,
        )
    )


@dataclass(frozen=True)
class Taken:
    """A trial that is to be run now."""

    trial: optuna.Trial
    spec: TrialSpec
    resumed: bool


def next_trial(
    study: optuna.Study, config: StudyConfig, runs: Sequence[Run], running: set[int]
) -> Taken | None:
    """Return an interrupted trial, a queued one or a new searched one; None at the budget's end.

    `runs` are those on record when the study was taken up; what an interrupted trial is, its run
    says. `running` holds the numbers of trials that this process runs already; the one returned
    joins them. Not safe to call from two threads at once.
    """
    trials = study.get_trials(deepcopy=False)
    recorded = {run.job.number: run for run in runs}
    for frozen in trials:
        if frozen.state == TrialState.RUNNING and frozen.number not in running:
            run = recorded.get(frozen.number)
            spec = TrialSpec.of_run(run) if run else TrialSpec.of(frozen.user_attrs)
            if spec is None:
                study.tell(frozen.number, state=TrialState.FAIL)  # Cut off before it had a name.
                continue
            running.add(frozen.number)
            # Optuna hands a trial only to whoever asked for it. To take up one that an earlier
            # process asked for its id is needed, which a FrozenTrial has in this field alone.
            trial = optuna.Trial(study, frozen._trial_id)
            if run is None and spec.kind != "search" and _place(config, spec):
                suggest(trial, config.search)
            return Taken(trial, spec, resumed=True)
    waiting = any(trial.state == TrialState.WAITING for trial in trials)
    if not waiting and searched(trials) >= config.search.trials:
        return None
    trial = study.ask()
    running.add(trial.number)
    spec = TrialSpec.of(study.get_trials(deepcopy=False)[trial.number].user_attrs)
    if spec is None:
        spec = _searched_spec(trial, config, _last_search(trials) + 1)
    elif _place(config, spec):
        suggest(trial, config.search)  # Its queued values: the sampler may learn from them.
    return Taken(trial, spec, resumed=False)


def _last_search(trials: Iterable[FrozenTrial]) -> int:
    """Return the highest number that a searched trial's name has: no name is given twice."""
    names = (str(t.user_attrs.get("name")) for t in trials if t.user_attrs.get("kind") == "search")
    numbers = [name.removeprefix("search-") for name in names]
    return max((int(number) for number in numbers if number.isdigit()), default=0)


def _searched_spec(trial: optuna.Trial, config: StudyConfig, number: int) -> TrialSpec:
    changes = suggest(trial, config.search)
    different = config.baseline.difference(config.baseline.with_(**changes))
    spec = TrialSpec("search", f"search-{number:03d}", different)
    for key, value in spec.attributes().items():
        trial.set_user_attr(key, value)
    return spec
