"""Networks of several families side by side, and what the original said of them."""

from __future__ import annotations

from typing import Any

from spineseg.evidence.results import StudySummary
from spineseg.report.model_table import entries, measured_table, words_table


def content(summary: StudySummary) -> dict[str, Any] | None:
    """Return what the template needs; None where there are networks of one family alone."""
    found = entries(summary)
    if not found:
        return None
    machines = {e.runs[0].footprint.device for e in found if e.runs[0].footprint}
    return {
        "measured": measured_table(found),
        "words": words_table(found, summary.objective),
        "prompted": any(entry.family == "sam" for entry in found),
        "devices": ", ".join(sorted(machines)),
    }
