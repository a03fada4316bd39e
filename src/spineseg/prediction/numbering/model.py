"""How levels are given: the choice, and what is known of columns; it goes with the weights."""

from __future__ import annotations

from pydantic import Field

from spineseg.config.model import Model
from spineseg.config.numbering import Numbering
from spineseg.prediction.numbering.columns import Columns


class NumberingModel(Model):
    """How levels are given, and what is known of columns."""

    numbering: Numbering = Field(
        "argmax", description="'argmax': each detection's best level; 'sequence': whole columns."
    )
    transitional: bool = Field(False, description="Allow for an extra level, T13 or L6.")
    columns: Columns = Field(default_factory=Columns, description="Learnt from training films.")
