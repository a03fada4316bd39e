"""What a phantom is asked to show beyond what its seed draws: curves, narrowed discs, slips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Planted:
    """Signs to be measured. Nothing of it draws a random number: all else is as without it."""

    curve_deg: float | None = None  # Of the largest curve of a frontal column, about.
    bend_rad: float | None = None  # Of a lateral neck, from C3 to T1; open to the front where > 0.
    disc_heights: Mapping[str, float] = field(default_factory=dict)
    """Level above a disc of the neck -> its height as a share of what was drawn; C2 to C7."""
    slips: Mapping[str, float] = field(default_factory=dict)
    """Level -> how far it stands forward on the body below it, of that one's width; C2 to C7."""


AS_DRAWN = Planted()
