"""How much chance of a false alarm each look at a test part may have.

Each later look, under whatever study, may have half of what the one before it had (a Bonferroni
correction with weights fixed beforehand; what is spent is never won back). A p-value is two-sided
and only what is better is promoted, so that a look errs half as often as its p-value may: 2.5 %,
then 1.25 % and so on, 5 % all together.
"""

from __future__ import annotations

from collections.abc import Iterable

from spineseg.evidence.effects import SURE
from spineseg.evidence.results import ArmResult


def error_of(opening: int) -> float:
    """Return what the two-sided p-value of the so-manieth opening has to lie below, from 1.

    0.05 for the first, then 0.025, 0.0125 and so on. Raises ValueError below 1.
    """
    if opening < 1:
        raise ValueError(f"opening {opening}: openings are counted from 1")
    return float(SURE / 2 ** (opening - 1))


def judged_at(arms: Iterable[ArmResult], error: float) -> list[ArmResult]:
    """Return arms whose effects may have an `error` and no more."""
    return [
        arm.model_copy(
            update={"effects": [e.model_copy(update={"error": error}) for e in arm.effects]}
        )
        for arm in arms
    ]
