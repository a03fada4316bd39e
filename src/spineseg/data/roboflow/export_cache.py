"""The record beside what was downloaded: the SHA-256 of each file, and whether it still holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from spineseg.data.checked import Recorded, check_files, keep_stamps, stamps_of
from spineseg.errors import DataError
from spineseg.files import shown, write_whole

_REMEDY = "remove the folder to fetch it again, or use it as a `local` source"


def write_record(
    folder: Path, unpacked: Path, hashes: dict[str, str], facts: dict[str, Any]
) -> None:
    """Record beside `folder` what it will hold: the files in `unpacked` and their SHA-256."""
    stamps = stamps_of(unpacked)
    files = {name: {"bytes": stamps[name][0], "sha256": hashes[name]} for name in sorted(hashes)}
    write_whole(_record_of(folder), json.dumps(facts | {"files": files}))
    keep_stamps(_checked_of(folder), stamps)


def verify(folder: Path, say: Callable[[str], None]) -> None:
    """Raise DataError where an export in the cache is not what was downloaded."""
    looked = check_files(folder, _wanted(folder), _checked_of(folder))
    if looked.read_again:
        say(f"checked {looked.read_again} files of {folder} against what was downloaded")
    if looked.faults:
        first = min(looked.faults)
        reason = f"{shown(first)} {looked.faults[first]}"
        reason += f", and {len(looked.faults) - 1} more" if len(looked.faults) > 1 else ""
        raise DataError(f"{folder}: is not what was downloaded ({reason}); {_REMEDY}")


def _wanted(folder: Path) -> dict[str, Recorded]:
    try:
        files = json.loads(_record_of(folder).read_text())["files"]
        if files and all(isinstance(size, int) for size in files.values()):
            raise DataError(
                f"{folder}: was downloaded by an earlier version, which recorded no checksums; "
                f"{_REMEDY}"
            )
        return {name: Recorded(fact["bytes"], fact["sha256"]) for name, fact in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise DataError(
            f"{folder}: its record {_record_of(folder).name} cannot be read; {_REMEDY}"
        ) from None


def _record_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.download.json")


def _checked_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.checked.json")
