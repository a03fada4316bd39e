"""Effects against the baseline, with their intervals and p-values, and the one word for each."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from spineseg.config.model import Model


class Effect(Model):
    """How far one configuration lies above or below the baseline in one metric."""

    name: str
    metric: str
    baseline: float = Field(description="Mean over the baseline's runs.")
    challenger: float = Field(description="Mean over the configuration's runs.")
    low: float = Field(description="95 % interval of the difference, over patients and seeds.")
    high: float
    p: float = Field(description="Two-sided, the larger of the tests over patients and seeds.")
    p_holm: float | None = Field(description="Corrected for the number of finalists.")
    runs: int
    baseline_runs: int

    @property
    def difference(self) -> float:
        """Challenger less baseline."""
        return self.challenger - self.baseline

    @property
    def verdict(self) -> Literal["better", "worse", "not told apart"]:
        """The effect in a word; more errors are worse."""
        if self.low <= 0 <= self.high:
            return "not told apart"
        lower_is_better = self.metric == "off_by_one_rate"
        return "better" if (self.low > 0) != lower_is_better else "worse"
