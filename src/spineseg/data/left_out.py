"""What of a source nothing is made of, by reason: for the account of the input."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from spineseg.data.account import LeftOutFiles
from spineseg.data.opened import OpenedSource
from spineseg.files import shown

_EXAMPLES = 3


def left_out_files(source: OpenedSource, unusable: Sequence[Path]) -> list[LeftOutFiles]:
    """Return the files of a source that are of no use; `unusable` are films that cannot be read."""
    reasons: dict[str, list[Path]] = defaultdict(list)
    for path in unusable:
        reasons["films that cannot be read, or their labels"].append(path)
    for path in source.films.orphans:
        reasons["label files without a film"].append(path)
    for file in source.films.left_out:
        reasons[file.reason].append(file.path)
    return [
        LeftOutFiles(
            reason=reason,
            files=len(paths),
            examples=tuple(_within(path, source.films.folder) for path in paths[:_EXAMPLES]),
        )
        for reason, paths in reasons.items()
    ]


def _within(path: Path, folder: Path) -> str:
    return shown(path.relative_to(folder) if path.is_relative_to(folder) else path.name)
