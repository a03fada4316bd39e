"""How levels are given: the choice, and what is known of columns; it goes with the weights."""

from __future__ import annotations

from pydantic import Field

from spineseg.config.model import Model
from spineseg.config.numbering import Numbering


class Columns(Model):
    """What is known of columns; nothing, where both are empty."""

    spans: dict[str, float] = Field(
        default_factory=dict,
        description="'TOP-BOTTOM' -> share of training films that are labelled from one to the "
        "other.",
    )
    framing: dict[str, tuple[float, float]] = Field(
        default_factory=dict,
        description="Level -> mean and standard deviation of its height in the training films, "
        "0 their upper edge, 1 the lower: films are framed alike.",
    )


class NumberingModel(Model):
    """How levels are given, and what is known of columns."""

    numbering: Numbering = Field(
        "argmax", description="'argmax': each detection's best level; 'sequence': whole columns."
    )
    transitional: bool = Field(False, description="Allow for an extra level, T13 or L6.")
    columns: Columns = Field(default_factory=Columns, description="Learnt from training films.")
