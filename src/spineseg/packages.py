"""Which packages a study runs on: the checkout's lock file, and what is installed otherwise."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

import spineseg

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", re.MULTILINE)


@cache
def packages_text() -> str:
    """Return the lock file, after what differs from it here; without a checkout what is installed.

    Either way lines that pip installs from.
    """
    lock = Path(spineseg.__file__).parents[2] / "requirements.lock"
    if not lock.is_file():
        found = {f"{d.name}=={d.version}" for d in distributions() if d.name}
        return "\n".join(
            ["# Installed here; there is no lock file.", *sorted(found, key=str.lower)]
        )
    text = lock.read_text()
    other = [
        f"#   {name}=={here}"
        for name, locked in _PINNED.findall(text)
        if (here := _installed(name)) not in (None, locked)
    ]
    head = "# Installed here in place of what is locked:\n" + "\n".join(other) if other else ""
    return f"{head}\n{text}".lstrip()


def _installed(name: str) -> str | None:
    """Return a package's version; None where it is not here, as those of other platforms."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
