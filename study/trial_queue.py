"""The one queue of a study: baseline, then variants, then the search; interrupted runs first."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterable, Mapping, Sequence
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


def enqueue_again(study: optuna.Study, config: StudyConfig, specs: Iterable[TrialSpec]) -> int:
    """Queue what is asked for anew after a failure, unless it waits or runs; return how many."""
    open_ones = study.get_trials(deepcopy=False, states=(TrialState.WAITING, TrialState.RUNNING))
    names = {trial.user_attrs.get("name") for trial in open_ones}
    fresh = [spec for spec in specs if spec.name not in names]
    for spec in fresh:
        study.enqueue_trial(_place(config, spec) or {}, user_attrs=spec.attributes())
    return len(fresh)


def may_wait(told: Mapping[str, Any], wanted: Iterable[TrialSpec], config: StudyConfig) -> bool:
    """Return whether what is told of a waiting trial is still asked for.

    `wanted` is what is known to be; a searched trial, named before it was taken, is where it lies
    in the space and the budget of now.
    """
    if told["kind"] != "search":
        return told in [spec.attributes() for spec in wanted]
    spec = TrialSpec(**told)
    return _place(config, spec) is not None and _search_number(spec.name) <= config.search.trials


def _place(config: StudyConfig, spec: TrialSpec) -> dict[str, Any] | None:
    """Return a trial's place in the searched space; a confirmation teaches the search nothing."""
    if spec.kind == "confirm":
        return None
    return place_in_space(train_config(config, spec), config.baseline, config.search)


def searched(trials: Iterable[FrozenTrial]) -> int:
    """Return how many trials the search has had; one that was tried again counts once."""
    told = (trial.user_attrs for trial in trials)
    return len({a["name"] for a in told if a.get("name") is not None and a["kind"] == "search"})


def set_pruner(study: optuna.Study, config: StudyConfig) -> None:
    """Give the study its pruner; its sampler is never asked: trials come with their values."""
    study.sampler = optuna.samplers.RandomSampler()
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
            if spec is None:  # Cut off before it had a name, by an earlier version.
                study.tell(frozen.number, state=TrialState.FAIL)
                continue
            running.add(frozen.number)
            # Optuna hands a trial only to whoever asked for it. To take up one that an earlier
            # process asked for its id is needed, which a FrozenTrial has in this field alone.
            trial = optuna.Trial(study, frozen._trial_id)
            if run is None and _place(config, spec):
                suggest(trial, config.search)
            return Taken(trial, spec, resumed=True)
    if not any(trial.state == TrialState.WAITING for trial in trials):
        if searched(trials) >= config.search.trials:
            return None
        enqueue(study, config, [_searched_next(trials, config)])
    trial = study.ask()
    running.add(trial.number)
    spec = TrialSpec.of(study.get_trials(deepcopy=False)[trial.number].user_attrs)
    assert spec is not None  # Whatever waits was queued with its name.
    if _place(config, spec):
        suggest(trial, config.search)  # Its queued values: the sampler may learn from them.
    return Taken(trial, spec, resumed=False)


def _searched_next(trials: Sequence[FrozenTrial], config: StudyConfig) -> TrialSpec:
    """Return what the search trains next, by the trials so far and its place in the search alone.

    The sampler is made for this one draw and asked of a copy of the trials: so nothing hangs on
    when the process began, and a trial stands in the store with its name and values, or not at all.
    """
    number = _last_search(trials) + 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(
            seed=random.Random(f"{config.search.seed}/{number}").getrandbits(32),
            n_startup_trials=config.search.startup_trials,
            group=True,  # Variants outside the space would else leave no parameter common to all.
        )
    drawn = optuna.create_study(direction="maximize", sampler=sampler)
    drawn.add_trials(trials)
    changes = suggest(drawn.ask(), config.search)
    different = config.baseline.difference(config.baseline.with_(**changes))
    return TrialSpec("search", f"search-{number:03d}", different)


def _last_search(trials: Iterable[FrozenTrial]) -> int:
    """Return the highest number that a searched trial's name has: no name is given twice."""
    names = (str(t.user_attrs.get("name")) for t in trials if t.user_attrs.get("kind") == "search")
    return max(map(_search_number, names), default=0)


def _search_number(name: str) -> int:
    number = name.removeprefix("search-")
    return int(number) if number.isdigit() else 0
