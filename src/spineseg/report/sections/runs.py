"""Every configuration against the baseline, a row each, and which trainings went unusually."""

from __future__ import annotations

from typing import Any

from spineseg.events import in_parts
from spineseg.evidence.results import RunSummary, StudySummary
from spineseg.metrics import COUNTED_CONFIDENCE
from spineseg.report.chosen_runs import challenger
from spineseg.report.table import COLUMNS, leaderboard


def content(summary: StudySummary) -> dict[str, Any]:
    """Return what the template needs."""
    return {
        "columns": COLUMNS,
        "rows": leaderboard(summary),
        "challenger": challenger(summary),
        "confidence": COUNTED_CONFIDENCE,
        "again": sum(run.kind == "confirm" for run in summary.standing),
        "unusual": unusual(summary),
    }


def unusual(summary: StudySummary) -> list[tuple[str, str]]:
    """Return each run, as its folder is called, that took more than one attempt, and how it went.

    Also those whose batches were trained in parts, and failed ones that are tried again.
    """
    told = [(f"{run.number:03d}-{run.name}", _story(run)) for run in summary.runs]
    return [(name, story) for name, story in told if story]


def _story(run: RunSummary) -> str:
    parts = [f"{run.attempts} attempts"] if run.attempts > 1 else []
    parts += [*run.losses, in_parts(run.split)]
    if run.again:
        parts.append(f"failed ({run.failure}), {run.again}")
    return "; ".join(filter(None, parts))
