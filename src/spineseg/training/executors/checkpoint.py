"""The files that a training goes on from, kept aside while it is at work, fit for each other."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from spineseg.files import sha256_of
from spineseg.prediction.suffixes import WEIGHT_SUFFIXES
from spineseg.training.control import TRAINER_FOLDER
from spineseg.training.pending import BEST, LAST

RESUME = f"{TRAINER_FOLDER}/weights/resume.pt"
_WEIGHTS = tuple(
    f"{TRAINER_FOLDER}/weights/{name}{suffix}"
    for name in (BEST, LAST)
    for suffix in WEIGHT_SUFFIXES
)
_TABLE = f"{TRAINER_FOLDER}/results.csv"
_FILMS = "films"


def checkpoint_files(folder: Path, aside: Path) -> dict[str, tuple[int, str]]:
    """Keep the files to go on from `aside`; return their sizes and hashes, by their paths.

    All are of one epoch: the trainer writes its weights, then the state, so weights that are
    younger than the state are being written, or wait for theirs. Empty then, and where there is no
    state yet: to be asked for again.
    """
    shutil.rmtree(aside, ignore_errors=True)
    try:
        _link(folder, aside, RESUME)
        state = (aside / RESUME).stat().st_mtime_ns
        for name in _WEIGHTS:
            if (folder / name).exists() and not _copied(folder / name, aside / name, state):
                return {}
        if (folder / _TABLE).exists():
            shutil.copy2(folder / _TABLE, aside / _TABLE)
        for film in sorted((folder / _FILMS).rglob("*")):
            if film.is_file() and not film.name.endswith(".part"):
                _link(folder, aside, film.relative_to(folder).as_posix())
    except FileNotFoundError:
        return {}  # There is none yet, or it ends just now.
    files = {path.relative_to(aside).as_posix(): path for path in aside.rglob("*")}
    return {n: (p.stat().st_size, sha256_of(p)) for n, p in sorted(files.items()) if p.is_file()}


def _link(folder: Path, aside: Path, name: str) -> None:
    """Keep a file that is only ever replaced whole: what it is now needs no copy."""
    (aside / name).parent.mkdir(parents=True, exist_ok=True)
    os.link(folder / name, aside / name)


def _copied(path: Path, copy: Path, state: int) -> bool:
    """Copy a file that is written in its place; return whether it was as old as the state.

    A file system may show that a file is cut a moment before it shows when (ext4 does): weights
    without a byte are being written, whatever their date.
    """
    before = path.stat()
    if before.st_mtime_ns > state or not before.st_size:
        return False
    shutil.copy2(path, copy)
    after = path.stat()
    return (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
