"""What the report says in words; every figure comes from the data."""

from __future__ import annotations

from ..config import Model
from ..evaluation.result import Evaluation
from .model import RunSummary, StudySummary

CLEAR_DIFFERENCE = 0.01
"""Rule of thumb: with one seed each, smaller differences are not told apart from chance."""


class HypothesisVerdict(Model):
    """What a variant was expected to show, and what was measured."""

    name: str
    hypothesis: str
    changes: str
    value: float | None
    delta: float | None
    verdict: str


def headline(summary: StudySummary) -> str:
    """Return the answer: is there a better model than the baseline, and by how much."""
    baseline, best, goal = summary.baseline, summary.best_run, summary.objective
    base = baseline.value(goal) if baseline else None
    if base is None:
        return "The baseline has not completed, so nothing can be compared with it yet."
    completed = [r for r in summary.runs if r.outcome == "completed" and r.evaluation]
    if best is None or len(completed) == 1:
        return f"Only the baseline has completed so far: {goal} {base:.3f}."
    if best.kind == "baseline":
        return f"No run beat the baseline: {goal} {base:.3f} among {len(completed)} completed runs."
    value = best.value(goal) or 0.0
    gain = value - base
    share = f" ({gain / base:+.0%})" if base else ""
    text = (
        f"The best of {len(completed)} completed runs is {best.name}: {goal} {value:.3f} "
        f"against the baseline's {base:.3f}, {gain:+.3f}{share}."
    )
    if gain < CLEAR_DIFFERENCE:
        return text + " That is too little to be told apart from chance with one seed each."
    return text


def caution(summary: StudySummary) -> str:
    """Return how far the headline may be believed."""
    completed = sum(run.outcome == "completed" for run in summary.runs)
    return (
        f"Each configuration was trained once, with one seed, and the best of {completed} was "
        "picked on the same validation films that it is reported on: its lead is overstated. "
        f"Differences below {CLEAR_DIFFERENCE:g} are called no clear difference, a rule of thumb."
    )


def numbering(baseline: Evaluation, best: Evaluation | None = None) -> str:
    """Return what finding and numbering each cost."""
    text = (
        f"The baseline finds {baseline.found_rate:.1%} of the labelled vertebrae and gives "
        f"{baseline.right_level_rate:.1%} their right level; {baseline.off_by_one_rate:.1%} are "
        "one level off."
    )
    if best is not None:
        text += (
            f" The best run finds {best.found_rate:.1%}, {best.right_level_rate:.1%} with the "
            f"right level, {best.off_by_one_rate:.1%} one level off."
        )
    gap = (best or baseline).found_rate - (best or baseline).right_level_rate
    return text + f" Numbering alone still costs {gap:.1%} of all vertebrae."


def hypotheses(summary: StudySummary) -> list[HypothesisVerdict]:
    """Return each variant's verdict in the objective."""
    baseline = summary.baseline
    base = baseline.value(summary.objective) if baseline else None
    return [
        _verdict(run, run.value(summary.objective), base)
        for run in summary.runs
        if run.kind == "variant"
    ]


def _verdict(run: RunSummary, value: float | None, base: float | None) -> HypothesisVerdict:
    delta = None if value is None or base is None else value - base
    if run.outcome != "completed" or delta is None:
        verdict: str = run.outcome
    elif abs(delta) < CLEAR_DIFFERENCE:
        verdict = "no clear difference"
    else:
        verdict = "better" if delta > 0 else "worse"
    return HypothesisVerdict(
        name=run.name,
        hypothesis=run.hypothesis or "",
        changes=changes_text(run),
        value=value,
        delta=delta,
        verdict=verdict,
    )


def changes_text(run: RunSummary) -> str:
    """Return a run's difference from the baseline in a line."""
    shown = (
        f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in run.changes.items()
    )
    return ", ".join(shown) or "as configured"


def cost_text(summary: StudySummary) -> str:
    """Return what the study cost and what pruning saved."""
    hours = sum(run.train_seconds for run in summary.runs) / 3600
    pruned = [run for run in summary.runs if run.outcome == "pruned"]
    baseline = summary.baseline
    text = f"{len(summary.runs)} trainings took {hours:.2f} hours on {summary.machine}."
    if pruned and baseline and baseline.epochs:
        saved = sum(max(0, baseline.epochs - run.epochs) for run in pruned)
        text += f" {len(pruned)} were pruned, which saved {saved} epochs."
    return text
