"""A study's rules of its searched space and its variants, and a config's place in the space."""

from __future__ import annotations

from typing import Any

from spineseg.config.problems import checked
from spineseg.config.search import Choices, FloatRange, IntRange, SearchConfig
from spineseg.config.training import TrainConfig, carried
from spineseg.errors import ConfigError


def place_in_space(
    config: TrainConfig, baseline: TrainConfig, search: SearchConfig
) -> dict[str, Any] | None:
    """Return the searched fields of `config` if it is a point of the space, else None.

    A point differs from the baseline in nothing but the fixed and the searched fields, and
    lies inside every range: then the sampler may learn from it.
    """
    if not search.space:
        return None
    place = {name: getattr(config, name) for name in search.space}
    if config != baseline.with_(**search.fixed, **place):
        return None
    inside = all(axis.holds(place[name]) for name, axis in search.space.items())
    return place if inside else None


def check_space(search: SearchConfig, baseline: TrainConfig, where: str) -> None:
    """Raise ConfigError where the search could not run or would search nothing."""
    if search.trials and not search.space:
        raise ConfigError(
            f"{where}: search.space is empty but search.trials is {search.trials}; "
            "name fields to search, or set search.trials to 0"
        )
    for name, value in search.fixed.items():
        _check(baseline, {name: value} | _needed(search, {name}), f"{where}: search.fixed.{name}")
        if name in search.space:
            raise ConfigError(
                f"{where}: search.fixed.{name} is searched too; remove it from one of the two"
            )
    for name, axis in search.space.items():
        for value in _extremes(axis):
            for other in _models(search, name):
                changes = other | _needed(search, {name, *other}) | {name: value}
                _check(baseline, changes, f"{where}: search.space.{name}")
    for name in ("epochs", "patience_epochs", "seed"):
        if name in search.space or name in search.fixed:
            raise ConfigError(
                f"{where}: search: {name} must not differ between trials that are compared; "
                f"set baseline.{name} instead"
            )
    optimizers = _optimizers(search, baseline)
    for name in ("lr0", "momentum"):
        if (name in search.space or name in search.fixed) and "auto" in optimizers:
            raise ConfigError(
                f"{where}: search.space.{name}: has no effect with optimizer 'auto', which sets "
                f"{name} itself; add search.fixed.optimizer: AdamW"
            )


def _models(search: SearchConfig, name: str) -> list[dict[str, Any]]:
    """Return the networks that a value of a key is to go with, each as a change."""
    axis = search.space.get("model")
    if isinstance(axis, Choices) and name != "model":
        return [{"model": choice} for choice in axis.choices]
    return [{"model": search.fixed["model"]} if "model" in search.fixed else {}]


def _needed(search: SearchConfig, named: set[str]) -> dict[str, Any]:
    """Return the optimiser that trials come with, where it is not among those `named`.

    A network may not have the baseline's, and be refused for that.
    """
    if "optimizer" in named:
        return {}
    if isinstance(axis := search.space.get("optimizer"), Choices):
        return {"optimizer": axis.choices[0]}
    return {key: search.fixed[key] for key in ("optimizer",) if key in search.fixed}


def _optimizers(search: SearchConfig, baseline: TrainConfig) -> set[Any]:
    axis = search.space.get("optimizer")
    if isinstance(axis, Choices):
        return set(axis.choices)
    return {search.fixed.get("optimizer", baseline.optimizer)}


def _extremes(axis: FloatRange | IntRange | Choices) -> tuple[Any, ...]:
    return axis.choices if isinstance(axis, Choices) else (axis.low, axis.high)


def _check(baseline: TrainConfig, changes: dict[str, Any], where: str) -> None:
    checked(TrainConfig, carried(baseline.model_dump(), changes), where)


def check_variants(
    baseline: TrainConfig, variants: dict[str, dict[str, Any]], where: str
) -> dict[str, TrainConfig]:
    """Return each variant's config by name. Raises ConfigError where one is no real difference."""
    configs: dict[str, TrainConfig] = {}
    for name, changes in variants.items():
        place = f"{where}: variants.{name}.changes"
        _check(baseline, changes, place)
        config = baseline.with_(**changes)
        idle = [key for key, value in changes.items() if getattr(baseline, key) == value]
        if idle:
            raise ConfigError(
                f"{place}.{idle[0]}: equals the baseline's {changes[idle[0]]!r}; "
                "a variant names only what differs"
            )
        if config.optimizer == "auto" and {"lr0", "momentum"} & changes.keys():
            raise ConfigError(
                f"{place}: lr0 and momentum have no effect with optimizer 'auto'; name an optimizer"
            )
        twin = [other for other, known in configs.items() if known == config]
        if twin:
            raise ConfigError(f"{place}: is the same training as {twin[0]!r}; remove one of them")
        configs[name] = config
    return configs
