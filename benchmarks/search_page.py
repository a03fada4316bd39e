"""Write docs/search.md from what `search_value.py` and `time_left.py` measured last.

python benchmarks/search_page.py
"""

from __future__ import annotations

import json
from pathlib import Path

RESULTS, PAGE, TEXT = (
    Path("mlruns/bench"),
    Path("docs/search.md"),
    Path(__file__).with_suffix(".md"),
)
TABLES = {
    "search-value": "python benchmarks/search_value.py",
    "time-left": "python benchmarks/time_left.py",
    "time-left-search.pruner=null": "python benchmarks/time_left.py --set search.pruner=null",
    "time-left-recorded": "python benchmarks/time_left.py --folder FOLDER",
}


def write_page() -> Path:
    """Write the page; each table takes the place of its name in braces. Return where it lies."""
    page = TEXT.read_text()
    for name, command in TABLES.items():
        page = page.replace(f"{{{name}}}", _table(name, command))
    PAGE.write_text(page)
    return PAGE


def _table(name: str, command: str) -> str:
    file = RESULTS / f"{name}.json"
    if not file.exists():
        return f"Not measured yet: `{command}`."
    told = json.loads(file.read_text())
    rows = [f"| {key} | {value} |" for key, value in told["figures"].items()]
    head = f"`{command}`, {told['date']}, {told['machine']}."
    return "\n".join([head, "", "| | |", "|---|---|", *rows])


if __name__ == "__main__":
    print(write_page())
