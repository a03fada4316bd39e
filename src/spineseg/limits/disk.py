"""Whether the disk has room for a training: looked at before it is begun, not found out in it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from spineseg.config.networks import NETWORKS
from spineseg.errors import FullDiskError
from spineseg.files import shown
from spineseg.job import Job
from spineseg.places import StudyPlaces
from spineseg.runs import Run

RESERVE_BYTES = 512 * 2**20
"""Left for logs, stores and whatever else writes there."""
# Bytes for each weight of the network, Adam's two averages counted, and one for what is no weight
# (measured at size n: 20.3 and 10.2). Full precision: network, averaged network, gradients,
# optimiser; and once more while the new file is written beside it.
_RESUME, _TIMES = 4 + 4 + 4 + 8 + 1, 2
# best.pt and last.pt, and those of the epoch at hand beside them: averaged network in half
# precision, optimiser; in the end without it.
_CHECKPOINTS, _STRIPPED = 2 * 2 * (2 + 8) + 1, 2 * 2 + 1
_PICTURES_BYTES = 32 * 2**20  # Ultralytics', the shown films, records: until a run says it.
_LATEST = 9  # Runs that speak for the next one.
_WEIGHTS = Path("train") / "weights"


def needed_bytes(job: Job, runs: Iterable[Run], *, copied: bool = True) -> int:
    """Return what a training's folder grows to at most, MLflow's copy with it where it is `copied`.

    By the runs on record, of its model's size for weights and of any for the rest; else by the
    weights that its network has.
    """
    weights, stripped, rest = _parts(job, list(runs))
    return weights + rest + (stripped + rest if copied else 0)


def _parts(job: Job, runs: Sequence[Run]) -> tuple[int, int, int]:
    """Return bytes of a training's weights while it trains, when it has ended, and of the rest."""
    alike = [run for run in runs if run.job.config.model == job.config.model]
    known = [run.started.parameters for run in alike if run.started]
    parameters = max([*known, 0]) or NETWORKS[job.config.model].parameters
    weights = parameters * (_RESUME * _TIMES + _CHECKPOINTS)
    found = [_size(run.folder / _WEIGHTS) for run in alike[-_LATEST:]]
    done = [run.folder for run in runs if run.finished][-_LATEST:]
    rest = max((_size(folder) - _size(folder / _WEIGHTS) for folder in done), default=0)
    return max([weights, *found]), parameters * _STRIPPED, rest or _PICTURES_BYTES


def refuse_full(
    job: Job,
    runs: Sequence[Run],
    places: StudyPlaces,
    *,
    under_way: Iterable[Job] = (),
    copied: bool = True,
) -> None:
    """Raise FullDiskError, in one line, where a training may not find the room that it needs.

    What those `under_way` are still to write counts too. `copied` says whether MLflow's artifacts
    lie under the study's root, and not on a server; they may be on a disk of their own.
    """
    artifacts = places.root / "artifacts"
    together = copied and _device(places.folder) == _device(artifacts)
    needed = needed_bytes(job, runs, copied=together)
    for other in under_way:
        there = _size(places.folder / other.folder_name)
        needed += max(0, needed_bytes(other, runs, copied=together) - there)
    _refuse(places.folder, needed, f"training {job.name}", job.study)
    if copied and not together:
        _, stripped, rest = _parts(job, runs)
        _refuse(artifacts, stripped + rest, f"MLflow's copy of {job.name}", job.study)


def _refuse(folder: Path, needed: int, what: str, study: str) -> None:
    free = free_bytes(folder)
    if free < needed + RESERVE_BYTES:
        raise FullDiskError(
            f"{shown(folder)}: {_in_words(free)} are free, and {what} may need "
            f"{_in_words(needed)} and {_in_words(RESERVE_BYTES)} in reserve; make room there (or "
            f"set store.keep to best), then `spineseg run {study}` goes on"
        )


def free_bytes(folder: Path) -> int:
    """Return what this user may still write to the file system of a folder, there yet or not."""
    found = os.statvfs(_standing(folder))
    return found.f_bavail * found.f_frsize


def _device(folder: Path) -> int:
    return _standing(folder).stat().st_dev


def _standing(folder: Path) -> Path:
    """Return a folder, or the nearest above it that is there."""
    folder = folder.absolute()
    return next(place for place in (folder, *folder.parents) if place.exists())


def _size(folder: Path) -> int:
    """Return the bytes of all files in a folder; of one that goes meanwhile, none."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118
            except OSError:
                continue
    return total


def _in_words(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
