"""Whether a study's limits keep it from being whole, in words: said wherever it may look whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from spineseg.config.study import StudyConfig
from spineseg.limits.budget import spent
from spineseg.limits.deadline import past
from spineseg.runs import Run, outcome_now
from spineseg.trials import to_come

_MOST_NAMED = 5
_SINGLE = {"search": "1 searched training", "confirm": "at most 1 training on fresh seeds"}
_MANY = {"search": "{} searched trainings", "confirm": "at most {} trainings on fresh seeds"}


def not_trained(config: StudyConfig, runs: Sequence[Run]) -> str:
    """Return what the study has not begun, as "the baseline, no-flips, 5 searched trainings".

    Empty where it has begun all. What no one knows yet counts as large as it can become.
    """
    coming = to_come(config, runs)
    told = [spec.name for spec in coming if spec.kind in ("baseline", "variant")]
    if len(told) > _MOST_NAMED:
        told = [*told[: _MOST_NAMED - 1], f"{len(told) - _MOST_NAMED + 1} more variants"]
    counts = Counter(str(spec.kind) for spec in coming)
    for kind in _MANY:
        if counts[kind]:
            told.append(_SINGLE[kind] if counts[kind] == 1 else _MANY[kind].format(counts[kind]))
    return ", ".join(told)


def cut_short(config: StudyConfig, runs: Sequence[Run], now: float) -> str:
    """Return which limit ends the study before its plan, and what it is not to train.

    Empty while no limit does. `now` is in seconds since the Unix epoch.
    """
    over = past(config.limits, now)
    reason, left = over or spent(config.limits, runs), not_trained(config, runs)
    told = [f"not trained: {left}"] if left else []
    if over:  # Where a budget is spent, they are gone on with.
        stopped = [run.name for run in runs if outcome_now(run) == "interrupted"]
        told += [f"stopped before their end: {', '.join(stopped)}"] if stopped else []
    return "; ".join([reason, *told]) if reason and told else ""
