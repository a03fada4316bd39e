"""The runs of a study for whoever follows it: read again only as far as they changed."""

from __future__ import annotations

from pathlib import Path

from spineseg.events import EVENTS_FILE
from spineseg.job import JOB_FILE
from spineseg.runs import Run, read_run, read_runs

_Stamp = tuple[tuple[int, ...] | None, ...]


class RunsOnRecord:
    """The runs of one study."""

    def __init__(self, study_folder: Path) -> None:
        self._folder = study_folder
        self._known: dict[Path, tuple[_Stamp, Run]] = {}

    def refresh(self) -> list[Run]:
        """Return what `read_runs` returns; ended runs whose files are as they were are kept.

        Raises RecordError as `read_runs` does.
        """
        known: dict[Path, tuple[_Stamp, Run]] = {}

        def read(folder: Path) -> Run:
            stamp = _stamp(folder)  # Before it is read: what changes meanwhile is read again.
            before = self._known.get(folder)
            run = before[1] if before and before[0] == stamp else read_run(folder)
            if run.end is not None:
                known[folder] = stamp, run
            return run

        runs = read_runs(self._folder, read)
        self._known = known
        return runs


def _stamp(folder: Path) -> _Stamp:
    """Return by what a change of a run's job or log shows: bytes, times of content and state."""
    found: list[tuple[int, ...] | None] = []
    for name in (JOB_FILE, EVENTS_FILE):
        try:
            facts = (folder / name).stat()
        except OSError:
            found.append(None)
            continue
        found.append((facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns))
    return tuple(found)
