"""The searched space, as a trial is given it."""

from __future__ import annotations

from typing import Any

import optuna

from spineseg.config.search import Choices, FloatRange, IntRange, SearchConfig


def suggest(trial: optuna.Trial, search: SearchConfig) -> dict[str, Any]:
    """Return the trial's changes to the baseline: what every searched trial sets, and its own."""
    chosen: dict[str, Any] = {}
    for name, axis in search.space.items():
        match axis:
            case FloatRange(low=low, high=high, log=log):
                chosen[name] = trial.suggest_float(name, low, high, log=log)
            case IntRange(low=low, high=high, step=step):
                chosen[name] = trial.suggest_int(name, low, high, step=step)
            case Choices(choices=choices):
                chosen[name] = trial.suggest_categorical(name, choices)
    return search.fixed | chosen
