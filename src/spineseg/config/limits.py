"""When a study stops by itself, and when a training counts as hung."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from spineseg.config.model import Chosen, Epochs, Unit


class LimitsConfig(Chosen):
    """Budgets count over all restarts; what is under way when one is spent runs to its end."""

    trainings: Annotated[int, Unit("trainings")] | None = Field(
        None, ge=1, description="No further training is begun after so many; null: no limit."
    )
    epochs: Epochs | None = Field(
        None, ge=1, description="None after so many epochs, of all together; null: no limit."
    )
    hours: Annotated[float, Unit("hours of training")] | None = Field(
        None, gt=0, description="None after so many hours, of all slots together; null: no limit."
    )
    deadline: datetime | None = Field(
        None, description="When the study has to be at rest, as 2026-12-24T08:00; null: never."
    )
    at_deadline: Literal["checkpoint", "finish"] = Field(
        "checkpoint",
        description="What the deadline does to trainings under way: 'checkpoint' stops them, to "
        "be gone on with; 'finish' lets them run to their end.",
    )
    stalled_factor: Annotated[float, Unit("times the longest epoch")] = Field(
        10.0,
        gt=1,
        description="A training silent for so long is ended, and gone on with.",
    )
    stalled_minutes: Annotated[float, Unit("minutes")] = Field(
        30.0, gt=0, description="And for at least so long."
    )
