"""One table for a paper: as values in CSV, as words in Markdown and in LaTeX (booktabs)."""

from __future__ import annotations

import csv
import io
import re
from typing import Any, NamedTuple

import pandas as pd

_LATEX = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "±": r"$\pm$",
    "–": "--",
}

_MOST_ROWS = 45  # Of one page.


class PaperTable(NamedTuple):
    """A table under two heads: figures in full for programs, rounded for people."""

    name: str  # Of its files, without an ending.
    caption: str  # A sentence: what it shows.
    columns: list[str]
    values: list[list[Any]]
    head: list[str]
    words: list[list[str]]

    def csv(self) -> str:
        """Return the values for a spreadsheet."""
        out = io.StringIO()
        csv.writer(out).writerows([self.columns, *self.values])
        return out.getvalue()

    def markdown(self) -> str:
        """Return the words for a page."""
        rows = [[cell.replace("|", "\\|") for cell in row] for row in (self.head, *self.words)]
        rows.insert(1, ["---"] * len(self.head))
        return "".join(f"| {' | '.join(row)} |\n" for row in rows)

    def latex(self, caption: str) -> str:
        """Return the words as a table under `caption`, both escaped; a long one over pages."""
        long = len(self.words) > _MOST_ROWS
        shown = [[latex_text(cell) for cell in row] for row in self.words]
        frame = pd.DataFrame(shown, columns=pd.Index([latex_text(cell) for cell in self.head]))
        text = frame.style.hide(axis="index").to_latex(
            hrules=True,
            column_format="l" * len(self.head),
            caption=latex_text(caption),
            label=f"tab:{self.name}",
            environment="longtable" if long else None,
            position=None if long else "htbp",
            position_float=None if long else "centering",
        )
        return f"% needs \\usepackage{{booktabs{',longtable' * long}}}\n{text}"


def latex_text(text: str) -> str:
    """Return plain text as LaTeX shows it; a hyphen before a figure becomes a minus sign."""
    escaped = "".join(_LATEX.get(sign, sign) for sign in text)
    return re.sub(r"(?<![\w-])-(?=[\d.])", "$-$", escaped)
