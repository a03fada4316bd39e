"""Whether a training keeps its films decoded in memory: where that fits beside its neighbours."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import psutil

from spineseg.data.manifest import load_manifest
from spineseg.job import Job

_SHARE = 0.5  # Of the memory that is free; networks, batches and loaders want the rest.
_CHANNELS = 3
_CGROUPS = Path("/sys/fs/cgroup")
_UNTRUE = "cache='ram' may produce non-deterministic"


def film_cache(job: Job, slots: int) -> Literal["ram", False]:
    """Return Ultralytics' `cache` for one of `slots` trainings at a time on this machine.

    A mosaic takes any three films, and seldom those at hand, so films are decoded once where all
    of them fit into half of the free memory, those of every slot. Which it is changes no result:
    order and augmentation hang on seed, epoch and film alone (`seeded`).
    """
    return "ram" if has_room("films are read", films_bytes(job), slots) else False


def has_room(otherwise: str, needed: int, slots: int) -> bool:
    """Return whether each of `slots` trainings may keep so many bytes in memory for all epochs.

    Where not, it is said what happens `otherwise`: "films are read".
    """
    needed, free = needed * slots, free_bytes()
    if needed <= _SHARE * free:
        return True
    print(
        f"{otherwise} anew in each epoch: kept in memory they would take {needed / 2**30:.1f} "
        f"GiB in {slots} trainings at a time, and {free / 2**30:.1f} GiB are free; the results "
        "are the same, an epoch may take longer",
        flush=True,
    )
    return False


def films_bytes(job: Job) -> int:
    """Return what a training's films take in memory at most: squares of the network's side."""
    manifest = load_manifest(job.dataset)
    films = manifest.count("train") * job.fraction + manifest.count("valid")
    return round(films * _CHANNELS * job.config.image_size_px**2)


def free_bytes() -> int:
    """Return how much memory is free on this machine, or in the container if that allows less."""
    return min([psutil.virtual_memory().available, *_free_in_cgroups()])


def memory_bytes() -> int:
    """Return how much memory this machine has, or the container if that is allowed less."""
    return min([psutil.virtual_memory().total, *(most for most, _ in _limits())])


def _free_in_cgroups() -> Iterator[int]:
    """Yield what each limit on this process's memory leaves, files held in memory not counted."""
    for most, used in _limits():
        yield max(0, most - used)


def _limits() -> Iterator[tuple[int, int]]:
    """Yield each limit on this process's memory, and what is used of it."""
    for line in _text(Path("/proc/self/cgroup")).splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        top = _CGROUPS / controllers
        limit, used, held = (
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            if controllers
            else ("memory.max", "memory.current", "inactive_file")
        )
        inside = top / group.lstrip("/")
        for folder in (inside, *inside.parents):
            most, now = _text(folder / limit), _text(folder / used)
            if most.isdigit() and now.isdigit():
                stat = dict(line.split() for line in _text(folder / "memory.stat").splitlines())
                yield int(most), int(now) - int(stat.get(held, 0))
            if folder == top:
                break


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def without_false_warning(record: logging.LogRecord) -> bool:
    """Return whether a line of Ultralytics is true of these trainings (a filter of its logger)."""
    return _UNTRUE not in record.getMessage()
