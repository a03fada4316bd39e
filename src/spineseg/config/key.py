"""One key of a config as a person writes it: what is known of it, and whether a path means it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PLACEHOLDERS = ("N", "NAME", "FIELD")
"""What stands in a path for an item's number, an item's name, a key of the baseline."""


@dataclass(frozen=True)
class Key:
    """One key of a config, as a person writes it."""

    path: str
    type: str
    meaning: str
    required: bool = False
    default: Any = None
    unit: str = ""
    allowed: str = ""
    only_with: str = ""
    table: bool = False

    @property
    def name(self) -> str:
        """The last word of the path that is no placeholder."""
        return next(part for part in self.path.split(".")[::-1] if part not in PLACEHOLDERS)

    def under(self, prefix: str) -> bool:
        """Return whether the key lies at or under `prefix`, where items have their real names."""
        asked, parts = [part for part in prefix.split(".") if part], self.path.split(".")
        return len(asked) <= len(parts) and all(
            part in (given, *PLACEHOLDERS) for given, part in zip(asked, parts, strict=False)
        )
