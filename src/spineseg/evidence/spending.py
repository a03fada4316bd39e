"""How much chance of a false alarm each look at a test part may have: 5 % all together.

The first takes most of it; each later one, under whatever study, half of what the one before it
took of the rest (a Bonferroni correction with weights fixed beforehand; Wald's alpha is spent, and
never won back).
"""

from __future__ import annotations

from collections.abc import Iterable

from spineseg.evidence.effects import SURE
from spineseg.evidence.results import ArmResult

_FIRST = 0.8
"""Share of all that the first look may take."""


def error_of(opening: int) -> float:
    """Return the chance of a false alarm of the so-manieth opening, from 1.

    0.04 for the first, then 0.005, 0.0025 and so on: 0.05 in all. Raises ValueError below 1.
    """
    if opening < 1:
        raise ValueError(f"opening {opening}: openings are counted from 1")
    if opening == 1:
        return SURE * _FIRST
    return float(SURE * (1 - _FIRST) / 2 ** (opening - 1))


def judged_at(arms: Iterable[ArmResult], error: float) -> list[ArmResult]:
    """Return arms whose effects may have an `error` and no more."""
    return [
        arm.model_copy(
            update={"effects": [e.model_copy(update={"error": error}) for e in arm.effects]}
        )
        for arm in arms
    ]
