"""When a study has to be at rest: is it past, and what may still begin before it.

Moments are seconds since the Unix epoch, since a deadline is one of the wall clock.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from spineseg.config.limits import LimitsConfig
from spineseg.config.training import TrainConfig
from spineseg.errors import ConfigError
from spineseg.run_times import Rates, Spent, duration


def moment(limits: LimitsConfig) -> float | None:
    """Return the deadline; None for none. Where no zone is given it is this machine's time."""
    return None if limits.deadline is None else limits.deadline.timestamp()


def seconds_left(limits: LimitsConfig, now: float) -> float | None:
    """Return how long it is until the deadline, below 0 when that is past; None without one."""
    at = moment(limits)
    return None if at is None else at - now


def passed(limits: LimitsConfig, now: float) -> Literal["checkpoint", "finish"] | None:
    """Return what becomes of trainings under way, once the deadline is past; None before."""
    left = seconds_left(limits, now)
    return None if left is None or left > 0 else limits.at_deadline


def past(limits: LimitsConfig, now: float) -> str | None:
    """Return that the deadline is past, in words; None while it is not, and without one."""
    return f"limits.deadline {_in_words(limits.deadline)} is past" if passed(limits, now) else None


def refuse_past(limits: LimitsConfig, now: float) -> None:
    """Raise ConfigError where the deadline is past before the study is begun, or gone on with."""
    if limits.deadline is not None and passed(limits, now):
        raise ConfigError(
            f"limits.deadline {_in_words(limits.deadline)} is past, it is "
            f"{_in_words(datetime.fromtimestamp(now, limits.deadline.tzinfo))}; set a later one, "
            "or null"
        )


def may_not_begin(
    limits: LimitsConfig,
    wanted: TrainConfig,
    taken: Rates,
    now: float,
    so_far: Spent | None = None,
) -> str | None:
    """Return why a training is not begun so near the deadline; None where it may be.

    With 'checkpoint' it has to come to a whole epoch before it, with 'finish' to its end, by what
    trainings have taken; where none has been measured, it may begin until the deadline itself.
    `so_far` is what one that is to be gone on with has taken (`time_left.begun_anew`).
    """
    left = seconds_left(limits, now)
    if left is None:
        return None
    if left <= 0:
        return past(limits, now)
    rest = taken.whole(wanted) if so_far is None else taken.left(wanted, so_far, now)
    least = min(rest, taken.start + taken.epoch_seconds(wanted))
    needed, what = (rest, "a training") if limits.at_deadline == "finish" else (least, "an epoch")
    if needed <= left:
        return None
    return (
        f"limits.deadline {_in_words(limits.deadline)} is in {duration(left)}, and {what} of it is "
        f"expected to take {duration(needed)}"
    )


def _in_words(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(" ", "minutes")
