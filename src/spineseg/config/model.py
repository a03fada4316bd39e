"""What every config model shares: frozen, checked on creation, unknown keys refused."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator


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


def no_truth(value: Any) -> Any:
    """Return what is to be a number. Raises ValueError for true and false."""
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


class Chosen(Model):
    """What a person chooses: true and false are no numbers."""

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, bool):
            return value
        field = cls.model_fields.get(info.field_name or "")
        return no_truth(value) if field is not None and _is_number(field.annotation) else value


def _is_number(annotation: Any) -> bool:
    """Return whether a type is that of numbers alone, or of numbers and null."""
    inner = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return _is_number(inner[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return all(part is type(None) or _is_number(part) for part in inner)
    return annotation in (int, float)
