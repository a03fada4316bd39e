"""How the command line was called, so that what it advises can be pasted, and goes on record."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

SETS_VARIABLE = "SPINESEG_SET"
"""Overrides in the environment, as a shell splits them: how `make` hands its SET over."""
_ENTRIES = ("spineseg", "cli", "__main__")


def program() -> str:
    """Return how `spineseg` is called here: by its bare name where the shell finds it."""
    beside = Path(".venv/bin/spineseg")
    if shutil.which("spineseg") is None and beside.exists():
        return str(beside)
    return "spineseg"


def by_make() -> bool:
    """Return whether `make` calls, so that advice is best given in its words."""
    return bool(os.environ.get("MAKELEVEL")) and Path("Makefile").exists()


def overrides_around() -> list[str]:
    """Return the overrides in the environment. Raises ValueError for a quote that is not closed."""
    return shlex.split(os.environ.get(SETS_VARIABLE, ""))


def command_line() -> str:
    """Return this process's command line as it can be pasted; empty where it is not ours."""
    if Path(sys.argv[0]).stem not in _ENTRIES:
        return ""
    words = sys.argv[1:]
    if not any(word == "--set" or word.startswith("--set=") for word in words):
        words += [word for text in overrides_around() for word in ("--set", text)]
    return shlex.join(["spineseg", *words])


def advised(verb: str, name: str, sets: Sequence[str] = (), *more: str) -> str:
    """Return the command that does `verb` to the study `name`, as this caller pastes it."""
    if by_make() and not more:
        told = f"SET={shlex.quote(shlex.join(sets)).replace('$', '$$')}" if sets else ""
        return f"make {verb} STUDY={name} {told}".rstrip()
    words = [name, *(word for text in sets for word in ("--set", text)), *more]
    return f"{program()} {verb} {shlex.join(words)}"
