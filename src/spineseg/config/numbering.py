"""How levels are given to the vertebrae on a film."""

from __future__ import annotations

from typing import Literal

Numbering = Literal["argmax", "sequence"]
