"""Where budgets and the deadline end a study before its plan does."""

from __future__ import annotations

from collections.abc import Sequence

from spineseg.config.study import StudyConfig
from spineseg.limits.ahead import begun_until
from spineseg.limits.budget import Budget
from spineseg.limits.deadline import seconds_left
from spineseg.run_times import Rates
from spineseg.runs import Run
from spineseg.trials import to_come, train_config


def planned_cuts(
    config: StudyConfig, runs: Sequence[Run], taken: Rates, slots: int, now: float
) -> list[str]:
    """Return, a line for each limit, after how many trainings it ends the study; none: it does not.

    Counts what the runs have used and, of what is to come at most, what none pruned takes; one that
    is begun before a budget is spent runs to its end. `slots` trainings are at work at a time.
    """
    limits, used = config.limits, Budget(config.limits).used(runs)
    coming = [train_config(config, spec) for spec in to_come(config, runs)]
    seconds = [taken.whole(one) for one in coming] if taken.epoch is not None else None
    ones, epochs = [1.0] * len(coming), [float(one.epochs) for one in coming]
    total = len(runs) + len(coming)
    lines: list[tuple[str, str, int | None]] = []
    if limits.trainings is not None:
        begun = begun_until(limits.trainings - used.trainings, ones)
        lines.append(("trainings", f"{limits.trainings}", begun))
    if limits.epochs is not None:
        lines.append(
            ("epochs", f"{limits.epochs}", begun_until(limits.epochs - used.epochs, epochs))
        )
    if limits.hours is not None:
        left = limits.hours * 3600 - used.seconds
        lines.append(
            ("hours", f"{limits.hours:g}", None if seconds is None else begun_until(left, seconds))
        )
    found = [
        f"limits.{name} {value}: no estimate of where it ends the study"
        if begun is None
        else f"limits.{name} {value} is spent after {'' if name == 'trainings' else 'about '}"
        f"{len(runs) + begun} of at most {total} trainings, if nothing is pruned"
        for name, value, begun in lines
        if begun is None or begun < len(coming)
    ]
    return found + _by_the_deadline(config, len(runs), total, seconds, slots, now)


def _by_the_deadline(
    config: StudyConfig,
    begun_before: int,
    total: int,
    seconds: Sequence[float] | None,
    slots: int,
    now: float,
) -> list[str]:
    left = seconds_left(config.limits, now)
    if left is None or config.limits.deadline is None:
        return []
    when = f"limits.deadline {config.limits.deadline.isoformat(' ', 'minutes')}"
    if left <= 0:
        return [f"{when} is past: nothing is begun"]
    if seconds is None:
        return [f"{when}: no estimate of how far the study is by then"]
    begun = begun_until(left * slots, seconds)
    if begun == len(seconds) and sum(seconds) <= left * slots:
        return []
    return [
        f"{when} comes after about {begun_before + begun} of at most {total} trainings have begun, "
        "if nothing is pruned"
    ]
