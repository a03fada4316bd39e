"""A small table of the report: a head, rows of text, and which cells are good or bad news."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_TONES = {"better": "better", "worse": "worse", "passed": "better", "REFUSED": "worse"}


class Grid(NamedTuple):
    """Rows of cells under a head; the first column is a name, `prose` columns may wrap."""

    head: list[str]
    rows: list[list[str]]
    prose: tuple[int, ...] = ()
    bold: tuple[str, ...] = ()  # First cells of rows to set off.

    def tone(self, cell: str) -> str:
        """Return the class of a verdict's cell, empty for any other."""
        return _TONES.get(cell, "")


def as_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines of text, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
