"""Which packages a study runs on: what was locked or installed then, and what is here now."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

import spineseg

_IN_PLACE = re.compile(r"^#   ([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
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
    locked: dict[str, set[str]] = {}  # Several of one name: for other Pythons and platforms.
    for name, number in _PINNED.findall(text):
        locked.setdefault(name, set()).add(number)
    here = {name: _installed(name) for name in locked}
    other = [f"#   {n}=={v}" for n, v in here.items() if v is not None and v not in locked[n]]
    head = "\n".join(["# Installed here in place of what is locked:", *other, ""]) if other else ""
    return f"{head}{text}"


def unlike_then(text: str) -> list[str]:
    """Return the packages that are of another version here than the lock file of then says.

    `text` may begin with what was installed in place of it, as comments "#   NAME==VERSION". Each
    as "torch 2.14.0 then, 2.14.1 now". Those that are not here are of other platforms.
    """
    then: dict[str, list[str]] = {}  # Several of one name: for other Pythons and platforms.
    for name, number in _PINNED.findall(text):
        then.setdefault(name, []).append(number)
    then |= {name: [number] for name, number in _IN_PLACE.findall(text)}
    found = {name: (was, _installed(name)) for name, was in then.items()}
    return [
        f"{name} {' or '.join(was)} then, {now} now"
        for name, (was, now) in found.items()
        if now is not None and now not in was
    ]


def _installed(name: str) -> str | None:
    """Return a package's version; None where it is not here, as those of other platforms."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
