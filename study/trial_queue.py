"""The one queue of a study: baseline, then variants, then the search; interrupted trials first."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import optuna
from optuna.trial import FrozenTrial, TrialState

from spineseg.config.study import StudyConfig
from spineseg.config.training import TrainConfig
from spineseg.errors import ConfigError
from spineseg.prediction.numbering.model import NumberingModel
from study.records import Records
from study.search_space import place_in_space, suggest

TrialKind = Literal["baseline", "variant", "search", "confirm"]


@dataclass(frozen=True)
class TrialSpec:
    """What one trial is: its name, its reason, its difference from the baseline."""

    kind: TrialKind
    name: str
    changes: dict[str, Any]
    hypothesis: str | None = None

    def attributes(self) -> dict[str, Any]:
        """Return what is kept with the Optuna trial."""
        return {
            "kind": self.kind,
            "changes": self.changes,
            "hypothesis": self.hypothesis,
            "name": self.name,  # Last: whoever finds a name finds the rest, killed or not.
        }

    @classmethod
    def of(cls, trial: FrozenTrial) -> TrialSpec | None:
        """Return what a trial on record is; None before a searched one has been given its name."""
        attributes = trial.user_attrs
        if "name" not in attributes:
            return None
        return cls(**{key: attributes[key] for key in ("kind", "name", "changes", "hypothesis")})


def open_study(records: Records, fingerprint: str) -> optuna.Study:
    """Return the study, created or continued, with baseline and variants queued first.

    Raises ConfigError where the study on record has another baseline, other data or another
    objective: its runs would not be comparable.
    """
    config = records.config
    storage = records.storage()
    known = config.name in optuna.study.get_all_study_names(storage)
    study = optuna.create_study(
        study_name=config.name, storage=storage, direction="maximize", load_if_exists=True
    )
    identity = _identity(config) | {"data_fingerprint": fingerprint}
    if known and study.get_trials(deepcopy=False):
        _refuse_another(config, study.user_attrs, identity)
    else:
        for key, value in identity.items():
            study.set_user_attr(key, value)
    queued = {trial.user_attrs.get("name") for trial in study.get_trials(deepcopy=False)}
    for spec in certain_trials(config):
        if spec.name not in queued:
            place = place_in_space(
                config.baseline.with_(**spec.changes), config.baseline, config.search
            )
            study.enqueue_trial(place or {}, user_attrs=spec.attributes())
    return study


def _identity(config: StudyConfig) -> dict[str, Any]:
    """Return what makes the runs of a study comparable, but for the data."""
    return {
        "baseline": config.baseline.model_dump(),
        "objective": config.objective,
        "numbering": numbering_of(config).model_dump(include={"numbering", "transitional"}),
    }


def refuse_another(config: StudyConfig, study: optuna.Study) -> None:
    """Raise ConfigError where the study on record is judged otherwise than `config` says."""
    _refuse_another(config, study.user_attrs, _identity(config))


def _refuse_another(
    config: StudyConfig, on_record: dict[str, Any], identity: dict[str, Any]
) -> None:
    for key, value in identity.items():
        before = on_record.get(key)
        if before == value:
            continue
        if isinstance(value, dict) and isinstance(before, dict):
            changed = [name for name in value if value[name] != before.get(name)]
            key, before, value = f"{key}.{changed[0]}", before.get(changed[0]), value[changed[0]]
        raise ConfigError(
            f"study {config.name!r} on record has {key} {_short(before)}, now {_short(value)}: its "
            "runs would not be comparable; give the study another name, or restore the value"
        )


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 24 else text[:20] + '..."'


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


def searched(trials: list[FrozenTrial]) -> int:
    """Return how many of the trials belong to the search."""
    return sum(trial.user_attrs.get("kind") == "search" for trial in trials)


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


def next_trial(study: optuna.Study, config: StudyConfig, running: set[int]) -> Taken | None:
    """Return an interrupted trial, a queued one or a new searched one; None at the budget's end.

    `running` holds the numbers of trials that this process runs already; the one returned joins
    them. Not safe to call from two threads at once.
    """
    trials = study.get_trials(deepcopy=False)
    for frozen in trials:
        if frozen.state == TrialState.RUNNING and frozen.number not in running:
            spec = TrialSpec.of(frozen)
            if spec is None:
                study.tell(frozen.number, state=TrialState.FAIL)  # Cut off before it had a name.
                continue
            running.add(frozen.number)
            return Taken(optuna.Trial(study, frozen._trial_id), spec, resumed=True)
    waiting = any(trial.state == TrialState.WAITING for trial in trials)
    if not waiting and searched(trials) >= config.search.trials:
        return None
    trial = study.ask()
    running.add(trial.number)
    spec = TrialSpec.of(study.get_trials(deepcopy=False)[trial.number])
    if spec is None:
        spec = _searched_spec(trial, config, searched(trials) + 1)
    elif place_in_space(train_config(config, spec), config.baseline, config.search):
        suggest(trial, config.search)  # Its queued values: the sampler may learn from them.
    return Taken(trial, spec, resumed=False)


def _searched_spec(trial: optuna.Trial, config: StudyConfig, number: int) -> TrialSpec:
    changes = suggest(trial, config.search)
    different = config.baseline.difference(config.baseline.with_(**changes))
    spec = TrialSpec("search", f"search-{number:03d}", different)
    for key, value in spec.attributes().items():
        trial.set_user_attr(key, value)
    return spec
