"""A run's folder without what MLflow has as well, by `store.keep: best`; what went is written down.

The folder stays the record: job, events, scores, records, shown films and the best weights are
never touched. What is removed is listed in `shrunk.json` before it goes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from spineseg.config.study import StudyConfig
from spineseg.files import is_locked, write_whole
from spineseg.limits.shrunk import SHRUNK_FILE, Shrunk, shrunk
from spineseg.places import LOCK_FILE, StudyPlaces
from spineseg.runs import Run
from spineseg.trials import finalists

_REMOVED = (
    "train/weights/last.pt",
    "train/weights/last.safetensors",
    "train/weights/resume.pt",
    "train/weights/*.part",
    "train/*.png",
    "train/*.jpg",
)


def shrinkable(config: StudyConfig, runs: Sequence[Run], places: StudyPlaces) -> list[Run]:
    """Return the ended runs whose folders may shrink as soon as MLflow has them whole.

    None with `store.keep: all`; never the baseline, a finalist as things stand, one that was
    confirmed, a training on a fresh seed, or what was promoted.
    """
    if config.store.keep == "all":
        return []
    kept = {run.name for run in finalists(runs, config)} | _promoted(places)
    kept |= {run.job.arm for run in runs if run.job.kind == "confirm"}
    kept |= {run.name for run in _best(runs)}
    return [
        run
        for run in runs
        if run.end is not None
        and run.job.kind in ("variant", "search")
        and run.name not in kept
        and (not (run.folder / SHRUNK_FILE).exists() or _removable(run.folder))
    ]


def _best(runs: Iterable[Run]) -> list[Run]:
    """Return the run that leads, which may be registered though nothing is confirmed."""
    done = [run for run in runs if run.outcome == "completed" and run.job.kind != "confirm"]
    return [max(done, key=lambda run: (run.value, -run.job.number))] if done else []


def _promoted(places: StudyPlaces) -> set[str]:
    """Return the names of this study's runs that the ledger beside it, or its verdict, tells of.

    What cannot be read tells of none: best weights, which a model is made of, stay in any case.
    """
    names: set[str] = set()
    for path in (places.promotions, places.verdict):
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        for line in lines if path == places.promotions else [" ".join(lines)]:
            try:
                told = json.loads(line)
                if told.get("study", places.study) == places.study:
                    names.add(str(told["run"]))
            except (ValueError, KeyError, AttributeError):
                continue
    return names


def shrink(run: Run, now: float) -> int:
    """Remove from an ended run's folder what MLflow has as well; return the bytes that it freed.

    To be called for those of `shrinkable` that the store has whole, and again after a crash: it
    goes on. Nothing happens where the run has not ended, or its child still holds the folder.
    """
    folder = run.folder
    if run.end is None or is_locked(folder / LOCK_FILE):
        return 0
    before = shrunk(folder)
    files = _removable(folder)
    if not files:
        return 0
    told = Shrunk(time=now, removed={**(before.removed if before else {}), **files})
    write_whole(folder / SHRUNK_FILE, told.model_dump_json(indent=1))
    for name in files:
        (folder / name).unlink(missing_ok=True)
    return sum(files.values())


def _removable(folder: Path) -> dict[str, int]:
    """Return the bytes of each file that need not stay, by its path in the folder."""
    found = [path for pattern in _REMOVED for path in sorted(folder.glob(pattern))]
    return {str(path.relative_to(folder)): path.stat().st_size for path in found if path.is_file()}


def freed_bytes(runs: Iterable[Run]) -> int:
    """Return what has been removed from the runs' folders. Raises RecordError as `shrunk` does."""
    found = (shrunk(run.folder) for run in runs)
    return sum(sum(one.removed.values()) for one in found if one is not None)
