"""What every config model shares: frozen, checked on creation, unknown keys refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
)


@dataclass(frozen=True)
class Unit:
    """What a number counts or measures; no rule, told by `spineseg keys`."""

    name: str


@dataclass(frozen=True)
class OneOf:
    """A validator for texts that are known only as the program runs."""

    values: tuple[str, ...]

    def __call__(self, value: str) -> str:
        """Return `value`. Raises ValueError where it is none of the values."""
        if value not in self.values:
            raise ValueError(f"must be one of {', '.join(self.values)}")
        return value


Probability = Annotated[float, Field(ge=0, le=1), Unit("probability")]
Fraction = Annotated[float, Field(ge=0, le=1), Unit("fraction")]
Share = Annotated[float, Unit("fraction")]
Degrees = Annotated[float, Unit("degrees")]
Pixels = Annotated[int, Unit("px")]
Epochs = Annotated[int, Unit("epochs")]
SLUG = r"^[a-z0-9][a-z0-9_-]{0,60}$"
PLAIN = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
PATTERNS = {
    SLUG: "lower-case letters, digits, - and _, 61 at most",
    PLAIN: "letters, digits, - and _",
}
"""The patterns of texts, each in words."""


class Model(BaseModel):
    """Frozen, checked on creation, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
