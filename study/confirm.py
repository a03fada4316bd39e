"""Finalists and the baseline once more, on fresh seeds, as trials of the same study.

The best of many looks better than it is: it was also the luckiest. So the best configurations and
the baseline are trained again with seeds that no choice was made by, and compared by those runs.
"""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean
from typing import NamedTuple

import optuna
from optuna.trial import FrozenTrial, TrialState

from spineseg.config.study import StudyConfig
from study.trial_queue import TrialSpec

FRESH_SEED = 1000
"""Fresh seeds are the baseline's own seed plus this and 1, 2, ...: none that a search trains on."""


class Arm(NamedTuple):
    """One configuration and its trainings on fresh seeds."""

    name: str
    changes: dict[str, object]
    confirmations: list[FrozenTrial]


def confirmation_trials(config: StudyConfig) -> int:
    """Return how many trainings confirmation takes at most."""
    return 0 if config.confirm is None else (config.confirm.top + 1) * config.confirm.seeds


def finalists(study: optuna.Study, config: StudyConfig) -> list[FrozenTrial]:
    """Return the best completed variants and searched trials by the objective, best first."""
    if config.confirm is None:
        return []
    completed = [
        trial
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if trial.user_attrs.get("kind") in ("variant", "search")
    ]
    completed.sort(key=lambda trial: (-trial.values[0], trial.number))
    return completed[: config.confirm.top]


def enqueue_confirmations(study: optuna.Study, config: StudyConfig) -> int:
    """Queue what is still to be trained of baseline and finalists on fresh seeds; return how many.

    To be called when nothing else is left to run. A study whose search goes on later may have
    other finalists then: they are confirmed as well, and nothing is trained twice.
    """
    if config.confirm is None or not _completed(study, "baseline"):
        return 0
    known = {trial.user_attrs.get("name") for trial in study.get_trials(deepcopy=False)}
    arms: list[tuple[str, dict[str, object]]] = [("baseline", {})]
    arms += [(t.user_attrs["name"], t.user_attrs["changes"]) for t in finalists(study, config)]
    queued = 0
    for number in range(1, config.confirm.seeds + 1):  # Seed by seed: half a confirmation is fair.
        for name, changes in arms:
            spec = TrialSpec(
                "confirm",
                f"{name}-seed-{number}",
                {**changes, "seed": config.baseline.seed + FRESH_SEED + number},
                f"{name} once more, on a fresh seed",
            )
            if spec.name not in known:
                study.enqueue_trial({}, user_attrs={**spec.attributes(), "arm": name})
                queued += 1
    return queued


def _completed(study: optuna.Study, name: str) -> bool:
    return any(
        trial.user_attrs.get("name") == name
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    )


def confirmed_arms(study: optuna.Study) -> dict[str, Arm]:
    """Return each arm's completed trainings on fresh seeds, the baseline's first."""
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    found: dict[str, list[FrozenTrial]] = defaultdict(list)
    for trial in trials:
        if trial.user_attrs.get("kind") == "confirm":
            found[trial.user_attrs["arm"]].append(trial)
    changes = {t.user_attrs["name"]: t.user_attrs["changes"] for t in trials}
    order = sorted(found, key=lambda name: (name != "baseline", -_mean(found[name])))
    return {name: Arm(name, changes.get(name, {}), found[name]) for name in order}


def _mean(trials: list[FrozenTrial]) -> float:
    return fmean(trial.values[0] for trial in trials)
