"""What every config model shares: frozen, checked on creation, unknown keys refused."""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
)

Probability = Annotated[float, Field(ge=0, le=1)]
SLUG = r"^[a-z0-9][a-z0-9_-]{0,60}$"


class Model(BaseModel):
    """Frozen, checked on creation, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
