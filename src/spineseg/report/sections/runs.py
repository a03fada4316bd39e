"""Every configuration against the baseline, a row each."""

from __future__ import annotations

from typing import Any

from spineseg.evidence.results import StudySummary
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
        "again": sum(run.kind == "confirm" for run in summary.runs),
    }
