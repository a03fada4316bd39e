"""Whether files are still what is recorded of them, read again only where their times changed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from spineseg.files import sha256_of, write_whole

Stamp = list[int]  # Bytes, and the nanoseconds of its last change of content and of state.


class Recorded(NamedTuple):
    """What is on record of one file."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Checked:
    """What a look at a folder tells."""

    faults: dict[str, str]  # Path in the folder -> "is gone", "was added" or "is changed".
    read_again: int  # Files whose size or times were not those of the last look.


def check_files(
    folder: Path,
    wanted: Mapping[str, Recorded],
    known: Path,
    counts: Callable[[str], bool] = lambda name: True,
) -> Checked:
    """Compare the files in `folder` with what is recorded of them, by their paths in it.

    Only files whose paths `counts` are looked at.

    A file whose size and times, of content and of state, are those of its last look, kept in
    `known`, is trusted; any other is read again. Where `known` cannot be written, the next look
    reads all again.
    """
    before = _kept(known)
    there = {name: stamp for name, stamp in stamps_of(folder).items() if counts(name)}
    faults = dict.fromkeys(wanted.keys() - there.keys(), "is gone")
    faults |= dict.fromkeys(there.keys() - wanted.keys(), "was added")
    suspect = [n for n in sorted(wanted.keys() & there.keys()) if there[n] != before.get(n)]
    for name in suspect:
        recorded = wanted[name]
        if there[name][0] != recorded.bytes or sha256_of(folder / name) != recorded.sha256:
            faults[name] = "is changed"
    if suspect and not faults:
        keep_stamps(known, there)
    return Checked(faults, len(suspect))


def keep_stamps(known: Path, stamps: Mapping[str, Stamp]) -> None:
    """Write down the stamps of files that were just found, or made, as they are recorded."""
    try:
        write_whole(known, json.dumps(stamps))
    except OSError:
        return  # A cache that may only be read; nothing is lost but time.


def _kept(known: Path) -> dict[str, Stamp]:
    """Return the stamps of the last look; none where they cannot be read: all is read then."""
    try:
        stamps = json.loads(known.read_text())
    except (OSError, ValueError):
        return {}
    return stamps if isinstance(stamps, dict) else {}


def stamps_of(folder: Path) -> dict[str, Stamp]:
    """Return the stamp of everything in a folder that is no folder; a link is not followed."""
    stamps = {}
    for parent, folders, names in os.walk(folder):
        for name in (*names, *(inner for inner in folders if Path(parent, inner).is_symlink())):
            path = Path(parent, name)
            facts = path.lstat()
            stamp = [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns]
            stamps[path.relative_to(folder).as_posix()] = stamp
    return stamps
