"""Which version of the code a run was made with, and by whom."""

from __future__ import annotations

import getpass
import subprocess
from functools import cache
from pathlib import Path

import spineseg


@cache
def code_version() -> str:
    """Return the package version and, in a git checkout, the commit; `+changes` when not clean."""
    folder = Path(spineseg.__file__).parent
    try:
        commit = _git(folder, "rev-parse", "--short=12", "HEAD")
        dirty = "+changes" if _git(folder, "status", "--porcelain", "-uno") else ""
    except (OSError, subprocess.CalledProcessError):
        return spineseg.__version__
    return f"{spineseg.__version__}-{commit}{dirty}"


@cache
def code_commit() -> str:
    """Return the whole commit of a git checkout; empty where there is none."""
    try:
        return _git(Path(spineseg.__file__).parent, "rev-parse", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        return ""


def user_name() -> str:
    """Return the name of whoever runs this; empty where the machine has none for them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
