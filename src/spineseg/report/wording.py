"""Words that the whole report shares: metrics, counts, times, differences, intervals, p-values."""

from __future__ import annotations

from typing import Any, Literal

from spineseg.evaluation.result import Evaluation
from spineseg.evidence.effects import Effect
from spineseg.evidence.results import RunSummary
from spineseg.report.table import is_clear, signed, signed_points

_METRICS = {
    "mask_map50_95": "mask mAP50-95",
    "mask_map50": "mask mAP50",
    "box_map50_95": "box mAP50-95",
    "box_map50": "box mAP50",
    "found_rate": "found",
    "right_level_rate": "right level",
    "off_by_one_rate": "one level off",
    "whole_column_right_rate": "whole columns right",
}
NUMBERINGS = {"argmax": "plain: each by itself", "sequence": "whole columns"}


def metric_name(name: str) -> str:
    """Return a metric as people write it: `mask_map50_95` as "mask mAP50-95"."""
    return _METRICS.get(name, name.replace("_", " "))


def verdict(delta: float) -> Literal["better", "worse", "no clear difference"]:
    """Return the word for a difference without an interval, judged as it is printed."""
    if not is_clear(delta):
        return "no clear difference"
    return "better" if delta > 0 else "worse"


def count(number: int, one: str, many: str | None = None) -> str:
    """Return "1 run", "3 runs"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def run_words(name: str) -> str:
    """Return how a run is called within a sentence."""
    return "the baseline" if name == "baseline" else name


def sentence(text: str) -> str:
    """Return the text with a capital letter, where it begins with the baseline's article."""
    return "T" + text[1:] if text.startswith("the ") else text


def is_rate(metric: str) -> bool:
    """Return whether a metric is a share, written in per cent, and no average precision."""
    return metric.endswith("_rate")


def value_text(metric: str, value: float) -> str:
    """Return a score: shares in per cent, average precision to three digits."""
    return f"{value:.1%}" if is_rate(metric) else f"{value:.3f}"


def difference_text(metric: str, value: float) -> str:
    """Return a difference: of shares in points, of average precision to three digits."""
    return f"{signed_points(value)} points" if is_rate(metric) else signed(value)


def interval_text(effect: Effect) -> str:
    """Return the bounds of an effect's 95 % interval."""
    write = signed_points if is_rate(effect.metric) else signed
    return f"{write(effect.low)} to {write(effect.high)}"


def p_text(p: float) -> str:
    """Return a p-value to three digits."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def corrected(effect: Effect) -> float:
    """Return the p-value to judge by: after Holm's correction where there is one."""
    return effect.p if effect.p_holm is None else effect.p_holm


def listed(words: list[str]) -> str:
    """Return "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def right_shares(evaluation: Evaluation) -> dict[str, float]:
    """Return level -> share of its labelled vertebrae found with that level."""
    return {
        level: score.right / score.instances
        for level, score in evaluation.levels.items()
        if score.instances
    }


def changes_text(run: RunSummary) -> str:
    """Return a run's difference from the baseline in a line."""
    return ", ".join(f"{key} {_plain(value)}" for key, value in run.changes.items()) or "none"


def _plain(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
