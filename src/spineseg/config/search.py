"""What is tried: named variants, and the searched space with its pruner."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from spineseg.config.model import SLUG, Chosen, Epochs, Unit

Trials = Annotated[int, Unit("trials")]


class Variant(Chosen):
    """A named difference from the baseline, and the reason to try it."""

    name: str = Field(pattern=SLUG, description="What the run is called.")
    hypothesis: str = Field(min_length=1, description="What the variant is expected to show.")
    changes: dict[str, Any] = Field(
        min_length=1, description="Keys of baseline and their new values, only those that differ."
    )


class FloatRange(Chosen):
    """A searched number: uniform, or log-uniform."""

    low: float = Field(description="Lowest value that is tried.")
    high: float = Field(description="Highest value that is tried.")
    log: bool = Field(
        False, description="Whether each power of ten is as likely, as for rates; low is above 0."
    )

    @model_validator(mode="after")
    def _ordered(self) -> FloatRange:
        if not self.low < self.high:
            raise ValueError(f"low must lie below high, got {self.low} and {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"a log range must start above 0, got {self.low}")
        return self

    def holds(self, value: Any) -> bool:
        """Return whether a value lies on the axis."""
        return isinstance(value, int | float) and self.low <= value <= self.high


class IntRange(Chosen):
    """A searched whole number."""

    low: int = Field(description="Lowest value that is tried.")
    high: int = Field(description="Highest value that is tried.")
    step: int = Field(1, ge=1, description="Distance between neighbouring values, from low on.")
    integer: Literal[True] = Field(description="Says that only whole numbers are meant.")

    @model_validator(mode="after")
    def _ordered(self) -> IntRange:
        if not self.low < self.high:
            raise ValueError(f"low must lie below high, got {self.low} and {self.high}")
        return self

    def holds(self, value: Any) -> bool:
        """Return whether a value lies on the axis."""
        inside = isinstance(value, int) and self.low <= value <= self.high
        return inside and (value - self.low) % self.step == 0


class Choices(Chosen):
    """A searched choice among named values."""

    choices: tuple[str | int | float | bool, ...] = Field(
        min_length=2, description="The values, as [0.0, 0.5], each another."
    )

    @model_validator(mode="after")
    def _each_another(self) -> Choices:
        twice = [value for value in self.choices if self.choices.count(value) > 1]
        if twice:
            raise ValueError(f"choices must differ, got {twice[0]!r} twice; leave one out")
        return self

    def holds(self, value: Any) -> bool:
        """Return whether a value lies on the axis."""
        return value in self.choices


def _axis_kind(value: Any) -> str:
    """Return which kind of axis a mapping is meant to be, so that errors speak of that one."""
    given = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    if "choices" in given:
        return "choice"
    return "integer" if "integer" in given else "number"


Axis = Annotated[
    Annotated[FloatRange, Tag("number")]
    | Annotated[IntRange, Tag("integer")]
    | Annotated[Choices, Tag("choice")],
    Discriminator(_axis_kind),
]


class PrunerConfig(Chosen):
    """When a searched trial is given up: its best epoch is not among the others' best share."""

    keep_percent: Annotated[float, Unit("percent")] = Field(
        50.0, gt=0, lt=100, description="Share of trials, best first, that go on: 50 the median."
    )
    startup_trials: Trials = Field(3, ge=0, description="Finished trials before any is pruned.")
    warmup_epochs: Epochs = Field(
        3, ge=0, description="Epochs of each trial before it can be pruned."
    )


class TwoStepConfig(Chosen):
    """All trials to one epoch of the whole schedule, where they pause; the best few to the end."""

    epochs: Epochs = Field(25, ge=1, description="Of each trial, before any is chosen.")
    keep: Trials = Field(
        4, ge=1, description="Trials that go on to the end, by their best epoch so far."
    )


class SearchConfig(Chosen):
    """The searched part of a study: TPE over a space of the baseline's keys."""

    trials: Trials = Field(0, ge=0, description="Trials beyond the baseline and the variants.")
    seed: int = Field(0, ge=0, description="Seed of the sampler.")
    startup_trials: Trials = Field(
        10, ge=1, description="Random trials before TPE models the space."
    )
    fixed: dict[str, Any] = Field(
        default_factory=dict, description="Keys of baseline that every searched trial sets alike."
    )
    space: dict[str, Axis] = Field(
        default_factory=dict,
        description="Keys of baseline and the axis that each is searched along.",
    )
    pruner: PrunerConfig | None = Field(
        default_factory=PrunerConfig,
        description="When a searched trial is given up early; null: never.",
    )
    two_step: TwoStepConfig | None = Field(
        None,
        description="Train all trials to one epoch, then the best few on; goes in the pruner's "
        "place. null: the pruner.",
    )
    audit: Annotated[float, Unit("of those given up, 0 to 1")] = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of the trials to be given up that run to their end all the same, so "
        "that the page says what giving up cost; it takes some 15 such to say much. 0: none.",
    )

    def first_epochs(self, epochs: int) -> int:
        """Return how many of its epochs each searched trial trains that nothing gives up."""
        return epochs if self.two_step is None else min(self.two_step.epochs, epochs)

    @property
    def most_in_second_step(self) -> int:
        """How many trials go on after the first step at most, by the share that is audited."""
        if self.two_step is None:
            return 0
        kept = min(self.two_step.keep, self.trials)
        return kept + round(self.audit * (self.trials - kept))
