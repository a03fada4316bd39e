"""The record beside what was downloaded: the SHA-256 of each file, and whether it still holds."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from spineseg.errors import DataError
from spineseg.files import sha256_of, shown, write_whole

_REMEDY = "remove the folder to fetch it again, or use it as a `local` source"
Stamp = list[int]  # Bytes, and the nanoseconds of its last change of content and of state.


def write_record(
    folder: Path, unpacked: Path, hashes: dict[str, str], facts: dict[str, Any]
) -> None:
    """Record beside `folder` what it will hold: the files in `unpacked` and their SHA-256."""
    stamps = _stamps(unpacked)
    files = {name: {"bytes": stamps[name][0], "sha256": hashes[name]} for name in sorted(hashes)}
    write_whole(_record_of(folder), json.dumps(facts | {"files": files}))
    write_whole(_checked_of(folder), json.dumps(stamps))


def verify(folder: Path, say: Callable[[str], None]) -> None:
    """Raise DataError where an export in the cache is not what was downloaded.

    A file whose size and times are those of its last check is trusted, any other is read again.
    """
    wanted = _wanted(folder)
    checked, there = _checked(folder), _stamps(folder)
    faults = dict.fromkeys(wanted.keys() - there.keys(), "is gone")
    faults |= dict.fromkeys(there.keys() - wanted.keys(), "was added")
    suspect = [n for n in sorted(wanted.keys() & there.keys()) if there[n] != checked.get(n)]
    if suspect:
        say(f"checking {len(suspect)} files of {folder} against what was downloaded")
    for name in suspect:
        fact = wanted[name]
        if there[name][0] != fact["bytes"] or sha256_of(folder / name) != fact["sha256"]:
            faults[name] = "is changed"
    if faults:
        first = min(faults)
        reason = f"{shown(first)} {faults[first]}"
        reason += f", and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise DataError(f"{folder}: is not what was downloaded ({reason}); {_REMEDY}")
    if suspect:
        try:
            write_whole(_checked_of(folder), json.dumps(there))
        except OSError as error:
            say(f"{_checked_of(folder)}: {error.strerror}; the next command checks all again")


def _wanted(folder: Path) -> dict[str, dict[str, Any]]:
    try:
        files = json.loads(_record_of(folder).read_text())["files"]
        if files and all(isinstance(size, int) for size in files.values()):
            raise DataError(
                f"{folder}: was downloaded by an earlier version, which recorded no checksums; "
                f"{_REMEDY}"
            )
        return {
            name: {"bytes": fact["bytes"], "sha256": fact["sha256"]} for name, fact in files.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise DataError(
            f"{folder}: its record {_record_of(folder).name} cannot be read; {_REMEDY}"
        ) from None


def _checked(folder: Path) -> dict[str, Stamp]:
    """Return the stamps of the last check; none where they cannot be read: all is checked then."""
    try:
        stamps = json.loads(_checked_of(folder).read_text())
    except (OSError, ValueError):
        return {}
    return stamps if isinstance(stamps, dict) else {}


def _stamps(folder: Path) -> dict[str, Stamp]:
    """Return the stamp of everything in the folder that is no folder; a link is not followed."""
    stamps = {}
    for parent, folders, names in os.walk(folder):
        for name in (*names, *(inner for inner in folders if Path(parent, inner).is_symlink())):
            path = Path(parent, name)
            facts = path.lstat()
            stamp = [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns]
            stamps[path.relative_to(folder).as_posix()] = stamp
    return stamps


def _record_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.download.json")


def _checked_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.checked.json")
