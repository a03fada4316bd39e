"""What `compare` answers of one study: in a terminal, and for a program."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

from spineseg.evidence.results import StudySummary
from spineseg.report.sections.answer import answer
from spineseg.report.table import as_text, leaderboard


@dataclass(frozen=True)
class StudyComparison:
    """What `compare` answers: the summary, and where the page was written."""

    summary: StudySummary
    page: Path

    def text(self) -> str:
        """Return the table as a person reads it, and where the page is."""
        kind = (
            "synthetic X-rays; says nothing of patients"
            if self.summary.synthetic
            else "radiographs"
        )
        return (
            f"\nstudy {self.summary.name} ({kind})\n\n{as_text(leaderboard(self.summary))}\n\n"
            f"{fill(answer(self.summary).text, 100)}\n\n"
            f"Page with curves and pictures: {self.page}\n"
        )

    def json(self) -> str:
        """Return the summary for a program."""
        return json.dumps(self.summary.model_dump(mode="json") | {"page": str(self.page)})
