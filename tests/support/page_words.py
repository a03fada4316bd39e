"""What a reader sees of a page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from pathlib import Path

from spineseg.evidence.results import StudySummary
from spineseg.report.comparison import FilmComparison
from spineseg.report.page import write_page


def words_of(html: str) -> str:
    """Return what a reader sees, in one line."""
    return " ".join(
        unescape(re.sub(r"<(style|script)>.*?</\1>|<[^>]+>", " ", html, flags=re.S)).split()
    )


def page_of(summary: StudySummary, folder: Path, comparisons: Sequence[FilmComparison] = ()) -> str:
    """Return the HTML of a study's page."""
    write_page(summary, comparisons, folder / "report.html")
    return (folder / "report.html").read_text(encoding="utf-8")


def is_whole(html: str) -> bool:
    """Return whether no heading stands alone and nothing unknown was written out."""
    body = html[html.index("<body>") :]
    return not re.search(r"</h[23]>\s*(<h[23]|<footer)|None|nan\b", body)
