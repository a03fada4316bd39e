"""The page of the calibration: shares with their intervals, tables, and where they go."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from scipy.stats import beta

from spineseg.training.machine import machine_facts

PAGE = Path(__file__).parents[1] / "docs" / "calibration.md"
HEAD = """# Calibration

Written by `python benchmarks/calibration.py --save`: simulated studies with known noise, judged by
the rule of [the evidence](evidence.md). The marks: a 95 % interval holds the truth in 93 to 97 of
100 studies; chance is promoted in at most 5, by the upper end of the figure's own 95 % interval
(Clopper and Pearson). The baseline has one training more than a finalist, as in the product.
"""


def bounds(hits: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, by Clopper and Pearson."""
    low = beta.ppf(0.025, hits, of - hits + 1) if hits else 0.0
    return float(low), float(beta.ppf(0.975, hits + 1, of - hits)) if hits < of else 1.0


def share(hits: int, of: int) -> str:
    """Return a share and its 95 % interval as a person reads it."""
    low, high = bounds(hits, of)
    return f"{100 * hits / of:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [f"| {' | '.join(map(str, row))} |" for row in (head, *rows)]
    return "\n".join([lines[0], f"|{'---|' * len(head)}", *lines[1:], ""])


def save(title: str, content: str, seconds: float, order: Sequence[str]) -> None:
    """Put a part into the page in the place of what it had of it."""
    facts = machine_facts()
    when = f"{facts['processor']}, {time.strftime('%Y-%m-%d')}, {seconds / 60:.1f} min on one core."
    page = PAGE.read_text() if PAGE.exists() else HEAD
    kept = dict(re.findall(r"^## ([^\n]+)\n\n(.*?)(?=\n## |\Z)", page, re.M | re.S))
    kept[title] = f"{when} {content}"
    known = [name for name in order if name in kept]
    parts = [HEAD.rstrip("\n"), *(f"## {name}\n\n{kept[name].strip()}" for name in known)]
    PAGE.write_text("\n\n".join(parts) + "\n")
