"""The study's report: one HTML file that needs no network, a section after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from spineseg.evidence.results import StudySummary
from spineseg.report.comparison import FilmComparison
from spineseg.report.html import render, write_html
from spineseg.report.sections import (
    answer,
    confirmation,
    cost,
    data,
    films,
    hypotheses,
    learning,
    models,
    next_steps,
    promotion,
    runs,
    search,
    where,
    working_point,
)
from spineseg.report.wording import label


class _Section(NamedTuple):
    anchor: str
    link: str
    html: Markup


def write_page(summary: StudySummary, comparisons: Sequence[FilmComparison], path: Path) -> None:
    """Write the report to `path`, whole or not at all.

    Raises OSError where `path` cannot be written.
    """
    shared = {"summary": summary, "goal": label(summary.objective)}
    sections = [
        _Section(name.replace("_", "-"), link, render(f"sections/{name}.j2", shared | content))
        for name, link, content in _sections(summary, comparisons)
        if content is not None
    ]
    write_html("page.j2", shared | {"sections": sections}, path)


def _sections(
    summary: StudySummary, comparisons: Sequence[FilmComparison]
) -> list[tuple[str, str, dict[str, Any] | None]]:
    """Return each section's name, the words that lead to it, and what it says; None: nothing."""
    return [
        ("answer", "Answer", answer.content(summary)),
        ("confirmation", "How sure", confirmation.content(summary)),
        ("promotion", "Promotion", promotion.content(summary)),
        ("where", "Where", where.content(summary)),
        ("hypotheses", "Hypotheses", hypotheses.content(summary)),
        ("runs", "Runs", runs.content(summary)),
        ("models", "Networks", models.content(summary)),
        ("learning", "Learning", learning.content(summary)),
        ("search", "Parameters", search.content(summary)),
        ("cost", "Cost", cost.content(summary)),
        ("working_point", "Working point", working_point.content(summary)),
        ("next_steps", "What next", next_steps.content(summary)),
        ("films", "Films", films.content(summary, comparisons)),
        ("data", "Data and versions", data.content(summary)),
    ]
