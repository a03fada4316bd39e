"""Finalists and the baseline once more, on fresh seeds, as trials of the same study.

The best of many looks better than it is: it was also the luckiest. So the best configurations and
the baseline are trained again with seeds that no choice was made by, and compared by those runs.
"""

from __future__ import annotations

from collections.abc import Sequence

from spineseg.budget import FRESH_SEED, finalists
from spineseg.config.study import StudyConfig
from spineseg.runs import Run
from study.trial_queue import TrialSpec


def confirmations(runs: Sequence[Run], config: StudyConfig) -> list[TrialSpec]:
    """Return what confirmation trains of baseline and finalists; none before the baseline is done.

    To be asked when nothing else is left to run. A study whose search goes on later may have
    other finalists then: they are confirmed as well, and nothing is trained twice.
    """
    done = any(run.job.kind == "baseline" and run.outcome == "completed" for run in runs)
    if config.confirm is None or not done:
        return []
    arms: list[tuple[str, dict[str, object]]] = [("baseline", {})]
    arms += [(run.name, run.job.changes) for run in finalists(runs, config)]
    return [
        TrialSpec(
            "confirm",
            f"{name}-seed-{number}",
            {**changes, "seed": config.baseline.seed + FRESH_SEED + number},
            f"{name} once more, on a fresh seed",
            arm=name,
        )
        for number in range(1, config.confirm.seeds + 1)  # Seed by seed: half of it is fair.
        for name, changes in arms
    ]
