"""Which packages a study runs on: what was locked or installed then, and what is here now."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version

_IN_PLACE = re.compile(r"^#   ([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", re.MULTILINE)


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
