"""When a study stops by itself, and when a training counts as hung."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from spineseg.config.model import Chosen, Epochs, Unit

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")


def _day_and_time(value: Any) -> Any:
    """Refuse what is no day with a time: a number would be taken for seconds since 1970."""
    if value is None or isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _TIME.match(value):
        raise ValueError("must be a day and a time, as 2026-12-24T08:00 or 2026-12-24T08:00+01:00")
    return value


class LimitsConfig(Chosen):
    """Budgets count over all restarts; what is under way when one is spent runs to its end."""

    trainings: Annotated[int, Unit("trainings")] | None = Field(
        None,
        ge=1,
        description="No further training is begun after so many, failed ones among them; null: no "
        "limit.",
    )
    epochs: Epochs | None = Field(
        None,
        ge=1,
        description="None after so many epochs, of all together; one that was trained twice, after "
        "a loss, counts twice; null: no limit.",
    )
    hours: Annotated[float, Unit("hours of training")] | None = Field(
        None,
        gt=0,
        description="None after so many hours, of all slots together, starts and scoring included; "
        "null: no limit.",
    )
    deadline: Annotated[datetime | None, BeforeValidator(_day_and_time)] = Field(
        None,
        description="When the study has to be at rest, as 2026-12-24T08:00, in this machine's time "
        "where no zone is given; nothing is begun that would come to no epoch before; null: never.",
    )
    at_deadline: Literal["checkpoint", "finish"] = Field(
        "checkpoint",
        description="What the deadline does to trainings under way: 'checkpoint' stops them, to "
        "be gone on with; 'finish' lets them run to their end, and begins none that is not "
        "expected to end before.",
    )
    stalled_factor: Annotated[float, Unit("times the longest epoch")] = Field(
        10.0,
        gt=1,
        description="A training silent for so long is ended, and gone on with.",
    )
    stalled_minutes: Annotated[float, Unit("minutes")] = Field(
        30.0,
        gt=0,
        description="And for at least so long; before any epoch is known, for stalled_factor "
        "times that where its process computes.",
    )
