"""Which version of the code a run was made with, and by whom."""

from __future__ import annotations

import getpass
import hashlib
import subprocess
from functools import cache
from pathlib import Path

import spineseg

_SOURCES = {".py", ".j2", ".js", ".css", ".html", ".json"}


@cache
def code_version() -> str:
    """Return the package version and, in a git checkout, the commit.

    Where that is not clean, `+changes` and the beginning of `code_fingerprint` follow: two
    checkouts with changes are not the same for having some.
    """
    folder = Path(spineseg.__file__).parent
    try:
        commit = _git(folder, "rev-parse", "--short=12", "HEAD")
        is_dirty = _git(folder, "status", "--porcelain", "-uno")
        dirty = f"+changes.{code_fingerprint()[:8]}" if is_dirty else ""
    except (OSError, subprocess.CalledProcessError):
        return spineseg.__version__
    return f"{spineseg.__version__}-{commit}{dirty}"


@cache
def code_fingerprint() -> str:
    """Return the SHA-256 of this package's files, however they came here; weights have their own.

    What is read again from its source, as a compiled module, does not count.
    """
    folder = Path(spineseg.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in _SOURCES and path.is_file():
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()


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
