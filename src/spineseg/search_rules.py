"""A study's rules of its searched space and its variants, and a config's place in the space."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
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
    if not all(axis.holds(place[name]) for name, axis in search.space.items()):
        return None  # What lies outside may be of another network, which knows no such keys.
    return place if config == baseline.with_(**search.fixed, **place) else None


def check_space(search: SearchConfig, baseline: TrainConfig, where: str) -> None:
    """Raise ConfigError where the search could not run or would search nothing."""
    if search.trials and not search.space:
        raise ConfigError(
            f"{where}: search.space is empty but search.trials is {search.trials}; "
            "name fields to search, or set search.trials to 0"
        )
    for name in search.fixed:
        if name in search.space:
            raise ConfigError(
                f"{where}: search.fixed.{name} is searched too; remove it from one of the two"
            )
    for drawn in _draws(search):
        _check_draw(baseline, search, drawn, where)
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


def _draws(search: SearchConfig) -> Iterator[dict[str, Any]]:
    """Yield a draw with each end of each range and each choice, for each network there may be."""
    first = {name: _extremes(axis)[0] for name, axis in search.space.items()}
    axis = search.space.get("model")
    for model in axis.choices if isinstance(axis, Choices) else (None,):
        of_model = first | ({} if model is None else {"model": model})
        yield of_model
        for name, other in search.space.items():
            yield from (of_model | {name: value} for value in _extremes(other)[1:])


def _check_draw(
    baseline: TrainConfig, search: SearchConfig, drawn: dict[str, Any], where: str
) -> None:
    """Raise ConfigError where a draw, with what is fixed, is no training.

    It names the key without which it would be one; what only the network does not suit, before it.
    """
    changes = search.fixed | drawn
    try:
        _check(baseline, changes, where)
    except ConfigError:
        for name in sorted(changes, key=lambda name: name == "model"):
            rest = {key: value for key, value in changes.items() if key != name}
            with suppress(ConfigError):
                _check(baseline, rest, where)
                break
        else:
            name = next(iter(changes))
        part = "fixed" if name in search.fixed else "space"
        _check(baseline, changes, f"{where}: search.{part}.{name}")


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
        same = baseline.model_dump().items()
        idle = [key for key, value in changes.items() if (key, value) in same]
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
