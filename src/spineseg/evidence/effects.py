"""Effects against the baseline, with interval and p-value, and the one rule for "better"."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from spineseg.config.model import Model
from spineseg.metrics import metric_named

SURE = 0.05
"""Chance of a false alarm that a claim may have."""
Verdict = Literal["better", "worse", "not told apart"]


class Effect(Model):
    """How far one configuration lies above or below the baseline in one metric."""

    name: str
    metric: str
    baseline: float = Field(description="Mean over the baseline's runs.")
    challenger: float = Field(description="Mean over the configuration's runs.")
    low: float = Field(description="95 % interval of the difference, over patients and seeds.")
    high: float
    p: float = Field(description="Two-sided; below 0.05 where the interval leaves out zero.")
    p_holm: float | None = Field(description="Corrected for the number of finalists.")
    runs: int
    baseline_runs: int
    error: float = Field(SURE, gt=0, le=SURE, description="Chance of a false alarm it may have.")

    @property
    def difference(self) -> float:
        """Challenger less baseline."""
        return self.challenger - self.baseline

    @property
    def p_corrected(self) -> float:
        """The p-value to judge by: after Holm's correction where there is one."""
        return self.p if self.p_holm is None else self.p_holm

    @property
    def verdict(self) -> Verdict:
        """The one word for the effect: the rule of answer, effects, gates and registry alike.

        Better (or worse) is what leaves all of its 95 % interval on that side of zero, with a
        p-value, corrected for the number of finalists, below its `error`: 0.05, or less where
        part of that was spent before. More errors are worse.
        """
        sign = 1 if metric_named(self.metric).higher_is_better else -1
        low, high = sorted((sign * self.low, sign * self.high))
        if self.p_corrected >= self.error:
            return "not told apart"
        if low > 0:
            return "better"
        return "worse" if high < 0 else "not told apart"
