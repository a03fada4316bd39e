"""The runs that the page singles out: the baseline, the leading one, and pruned ones above it."""

from __future__ import annotations

from spineseg.evaluation.result import Evaluation
from spineseg.evidence.results import RunSummary, StudySummary


def looked_into(summary: StudySummary) -> list[RunSummary]:
    """Return the runs to look into: the baseline, and the leading run beside it."""
    runs = [summary.baseline, summary.leader]
    kept = [r for r in runs if r is not None and r.evaluation and r.outcome == "completed"]
    return kept[:1] if len(kept) == 2 and kept[0].name == kept[1].name else kept


def evaluations(summary: StudySummary) -> dict[str, Evaluation]:
    """Return the scores of the runs to look into."""
    return {run.name: run.evaluation for run in looked_into(summary) if run.evaluation}


def leader_name(summary: StudySummary) -> str | None:
    """Return the run that tables and figures set off: the leading one."""
    return summary.leader.name if summary.leader else None


def challenger(summary: StudySummary) -> str | None:
    """Return the leading run where it is not the baseline itself."""
    leader = summary.leader
    return leader.name if leader and leader.kind != "baseline" and leader.evaluation else None


def pruned_above(summary: StudySummary) -> list[str]:
    """Return the pruned runs whose best weights score higher than the best completed run's."""
    best = summary.best_run or summary.baseline
    bar = (best.value(summary.objective) if best else None) or 0.0
    scored = [(r.name, r.value(summary.objective)) for r in summary.runs if r.outcome == "pruned"]
    return [f"{name} ({value:.3f})" for name, value in scored if value is not None and value > bar]
