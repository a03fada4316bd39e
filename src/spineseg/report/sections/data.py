"""What the study was made from: data, versions, machine."""

from __future__ import annotations

from typing import Any

from spineseg.evidence.results import StudySummary


def content(summary: StudySummary) -> dict[str, Any]:
    """Return what the template needs."""
    facts = {key.replace("_", " "): fact_text(value) for key, value in summary.data.items()}
    return {"facts": facts | summary.versions | {"machine": summary.machine}}


def fact_text(value: Any) -> str:
    """Return counts, lists and nested counts of a dataset as words."""
    if isinstance(value, dict):
        parts = [
            f"{key}: {fact_text(v)}" if isinstance(v, dict) else f"{fact_text(v)} {key}"
            for key, v in value.items()
        ]
        return ("; " if any(isinstance(v, dict) for v in value.values()) else ", ").join(parts)
    if isinstance(value, list | tuple):
        return ", ".join(fact_text(item) for item in value)
    return "none" if value is None else str(value)
