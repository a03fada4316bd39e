"""Words that the whole report shares: scores, counts, times, differences, intervals, p-values."""

from __future__ import annotations

import math

from spineseg.evidence.effects import SURE, Effect
from spineseg.evidence.results import RunSummary
from spineseg.job import changes_in_words
from spineseg.metrics import Rate, metric_named, signed

NONE = "–"
RULE = (
    "Better or worse: the whole 95 % interval lies on that side of zero, and p, of finalists after "
    f"Holm's correction, is below {SURE:g}. All else is not told apart."
)
"""The rule of `spineseg.evidence.effects.verdict`, in words."""


def label(metric: str) -> str:
    """Return a metric as people write it: `mask_map50_95` as "mask mAP50-95"."""
    return metric_named(metric).label


def signed_points(value: float) -> str:
    """Return a difference of shares in percentage points."""
    return f"{value * 100:+.1f}" if round(value * 100, 1) else "±0.0"


def value_text(metric: str, value: float) -> str:
    """Return a score: shares in per cent, average precision to three digits."""
    if math.isnan(value):
        return NONE  # A share of nothing.
    return f"{value:.1%}" if _is_share(metric) else f"{value:.3f}"


def difference_text(metric: str, value: float) -> str:
    """Return a difference: of shares in points, of average precision to three digits."""
    return f"{signed_points(value)} points" if _is_share(metric) else signed(value)


def interval_text(effect: Effect) -> str:
    """Return the bounds of an effect's 95 % interval."""
    write = signed_points if _is_share(effect.metric) else signed
    return f"{write(effect.low)} to {write(effect.high)}"


def _is_share(metric: str) -> bool:
    return isinstance(metric_named(metric), Rate)


def p_text(p: float) -> str:
    """Return a p-value to three digits."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def count(number: int, one: str, many: str | None = None) -> str:
    """Return "1 run", "3 runs"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(words: list[str]) -> str:
    """Return "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def run_words(name: str) -> str:
    """Return how a run is called within a sentence."""
    return "the baseline" if name == "baseline" else name


def sentence(text: str) -> str:
    """Return the text with a capital letter, where it begins with the baseline's article."""
    return "T" + text[1:] if text.startswith("the ") else text


def changes_text(run: RunSummary) -> str:
    """Return a run's difference from the baseline in a line."""
    return changes_in_words(run.changes) or "none"
