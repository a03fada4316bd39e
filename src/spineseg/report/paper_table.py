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

_WRAPPED = r"p{0.2\linewidth}"
"""The column of changes, which can be many: broken into lines, else it runs off the page."""
_MOST_WIDE = 5
_NARROW = r"\scriptsize\setlength{\tabcolsep}{2.5pt}"
"""How a table of more columns is set, to fit an A4 page with margins of 2.5 cm."""
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
        frame = pd.DataFrame(shown, columns=pd.Index([_latex_head(cell) for cell in self.head]))
        text = frame.style.hide(axis="index").to_latex(
            hrules=True,
            column_format="".join(_WRAPPED if name == "changes" else "l" for name in self.head),
            caption=latex_text(caption),
            label=f"tab:{self.name}",
            environment="longtable" if long else None,
            position=None if long else "htbp",
            position_float=None if long else "centering",
        )
        if len(self.head) > _MOST_WIDE:
            begin = r"\begin{longtable}" if long else r"\begin{tabular}"
            text = text.replace(begin, f"{_NARROW}\n{begin}", 1)
            text = f"{{{text}}}\n" if long else text  # So that it ends with the table.
        return f"% needs \\usepackage{{booktabs{',longtable' * long}}}\n{text}"


def _latex_head(text: str) -> str:
    """Return a column's name, its words below each other where there are several."""
    words = [latex_text(word) for word in text.split()]
    return words[0] if len(words) == 1 else r"\shortstack[l]{" + r" \\ ".join(words) + "}"


def latex_text(text: str) -> str:
    """Return plain text as LaTeX shows it; a hyphen before a figure becomes a minus sign."""
    escaped = "".join(_LATEX.get(sign, sign) for sign in text)
    return re.sub(r"(?<![\w-])-(?=[\d.])", "$-$", escaped)
