"""Which attempt at a run was started last, and where: a word in the run's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spineseg.files import write_whole

ATTEMPT_FILE = "attempt.json"


def write_attempt(run_folder: Path, told: Mapping[str, Any]) -> None:
    """Put on record which attempt is about to be started, and where."""
    write_whole(run_folder / ATTEMPT_FILE, json.dumps(told))


def told_of_attempt(run_folder: Path) -> dict[str, Any]:
    """Return what is on record of the last attempt; nothing where that cannot be read."""
    try:
        told = json.loads((run_folder / ATTEMPT_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def attempt_on_record(run_folder: Path) -> int:
    """Return the number of the last attempt that was started at this run; 0: none."""
    number = told_of_attempt(run_folder).get("attempt", 0)
    return number if isinstance(number, int) else 0
