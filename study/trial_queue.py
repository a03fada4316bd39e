"""The one queue of a study: baseline, then variants, then the search; interrupted runs first."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from spineseg.config.search import Axis
from spineseg.config.study import StudyConfig
from spineseg.config.training import TrainConfig
from spineseg.errors import ConfigError
from spineseg.job import RunKind, first_difference
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.runs import Run
from study.optuna_store import TOLD
from study.search_space import place_in_space, suggest


@dataclass(frozen=True)
class TrialSpec:
    """What one trial is: its name, its reason, its difference from the baseline."""

    kind: RunKind
    name: str
    changes: dict[str, Any]
    hypothesis: str | None = None
    arm: str = ""  # The configuration that it trains; empty: its own.

    def attributes(self) -> dict[str, Any]:
        """Return what is kept with a trial that waits or runs, in the order of its writing."""
        told = vars(self) | {"arm": self.arm or self.name}
        return {key: told[key] for key in TOLD}

    @classmethod
    def of(cls, trial: FrozenTrial) -> TrialSpec | None:
        """Return what a waiting trial is; None before a searched one has been given its name."""
        attributes = trial.user_attrs
        if attributes.get("name") is None:
            return None
        return cls(**{key: attributes[key] for key in TOLD})

    @classmethod
    def of_run(cls, run: Run) -> TrialSpec:
        """Return what a run on record is."""
        job = run.job
        return cls(job.kind, job.name, job.changes, job.hypothesis, job.arm)


def refuse_another(config: StudyConfig, runs: Iterable[Run], fingerprint: str | None) -> None:
    """Raise ConfigError where runs on record are of another baseline, data or rule than now.

    They would not be comparable. `fingerprint` is that of the data now; None: not looked at.
    """
    variants = {variant.name: variant.changes for variant in config.variants}
    for run in runs:
        job = run.job
        pairs: list[tuple[str, Any, Any]] = [
            ("objective", job.objective, config.objective),
            ("numbering", _choice(job.numbering), _choice(numbering_of(config))),
            ("baseline", _kept(job.config, job.changes), _kept(config.baseline, job.changes)),
        ]
        if job.kind == "variant" and job.name in variants:
            pairs.append((f"variants.{job.name}.changes", job.changes, variants[job.name]))
        for name, axis in job.space.items():
            if name in config.search.space:
                wanted = _fixed_part(config.search.space[name])
                pairs.append((f"search.space.{name}", _fixed_part(axis), wanted))
        if fingerprint is not None:
            pairs.append(("data_fingerprint", job.data_fingerprint, fingerprint))
        for key, before, now in pairs:
            if before != now:
                key, was, asked = first_difference(key, before, now)
                raise ConfigError(
                    f"study {config.name!r} on record has {key} {was}, now {asked}: its runs "
                    "would not be comparable; give the study another name, or restore the value"
                )


def _fixed_part(axis: Axis) -> dict[str, Any]:
    """Return what of an axis may not change within a study: Optuna learns from one kind only."""
    return {"kind": type(axis).__name__} | axis.model_dump(include={"choices", "log"})


def _choice(numbering: NumberingModel) -> dict[str, Any]:
    """Return how columns are numbered, without what the data say of them."""
    return numbering.model_dump(exclude={"columns"})


def _kept(config: TrainConfig, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run has from its baseline: all but its own changes."""
    return {key: value for key, value in config.model_dump().items() if key not in changes}


def numbering_of(config: StudyConfig) -> NumberingModel:
    """Return how the study's models give levels, without what the data say of columns."""
    return NumberingModel(numbering=config.numbering, transitional=config.transitional)


def certain_trials(config: StudyConfig) -> list[TrialSpec]:
    """Return the trials that run whatever the search does: the baseline, then the variants."""
    return [
        TrialSpec("baseline", "baseline", {}),
        *(TrialSpec("variant", v.name, v.changes, v.hypothesis) for v in config.variants),
    ]


def train_config(config: StudyConfig, spec: TrialSpec) -> TrainConfig:
    """Return the training that a trial stands for."""
    return config.baseline.with_(**spec.changes)


def enqueue(study: optuna.Study, config: StudyConfig, specs: Iterable[TrialSpec]) -> int:
    """Queue what is neither on record nor waiting yet; return how many."""
    known = {trial.user_attrs.get("name") for trial in study.get_trials(deepcopy=False)}
    fresh = [spec for spec in specs if spec.name not in known]
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
    """Return how many of the trials belong to the search."""
    named = (t.user_attrs for t in trials if t.user_attrs.get("name") is not None)
    return sum(attributes.get("kind") == "search" for attributes in named)


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
            spec = TrialSpec.of_run(run) if run else TrialSpec.of(frozen)
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
    spec = TrialSpec.of(study.get_trials(deepcopy=False)[trial.number])
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
