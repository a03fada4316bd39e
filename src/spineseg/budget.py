"""What a study comes to: how many trainings at most, which are finalists, how many are to come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from spineseg.config.study import StudyConfig
from spineseg.runs import Run

FRESH_SEED = 1000
"""Fresh seeds are the baseline's own seed plus this and 1, 2, ...: none that a search trains on."""


def confirmation_trials(config: StudyConfig) -> int:
    """Return how many trainings confirmation takes at most."""
    return 0 if config.confirm is None else (config.confirm.top + 1) * config.confirm.seeds


def most_trainings(config: StudyConfig) -> int:
    """Return how many trainings the study comes to at most."""
    return 1 + len(config.variants) + config.search.trials + confirmation_trials(config)


def finalists(runs: Iterable[Run], config: StudyConfig) -> list[Run]:
    """Return the best completed variants and searched runs by the objective, best first."""
    if config.confirm is None:
        return []
    completed = [
        run for run in runs if run.outcome == "completed" and run.job.kind in ("variant", "search")
    ]
    completed.sort(key=lambda run: (-run.value, run.job.number))
    return completed[: config.confirm.top]


def to_come(runs: Sequence[Run], config: StudyConfig) -> int:
    """Return how many trainings have no end yet; at most, while it is open who is a finalist."""
    ended = {run.name for run in runs if run.end is not None}
    certain = {"baseline", *(variant.name for variant in config.variants)} - ended
    done = sum(run.job.kind == "search" and run.end is not None for run in runs)
    first = len(certain) + max(0, config.search.trials - done)
    if config.confirm is None:
        return first
    if first:
        again = sum(run.job.kind == "confirm" and run.end is not None for run in runs)
        return first + max(0, confirmation_trials(config) - again)
    if not any(run.job.kind == "baseline" and run.outcome == "completed" for run in runs):
        return 0  # Without a baseline nothing is trained again.
    arms = ["baseline", *(run.name for run in finalists(runs, config))]
    names = {f"{arm}-seed-{n}" for arm in arms for n in range(1, config.confirm.seeds + 1)}
    return len(names - ended)
