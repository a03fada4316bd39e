"""The files that a training goes on from, kept aside while it is at work, fit for each other."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from spineseg.files import sha256_of
from spineseg.training.control import TRAINER_FOLDER

RESUME = f"{TRAINER_FOLDER}/weights/resume.pt"
_WEIGHTS = (f"{TRAINER_FOLDER}/weights/best.pt", f"{TRAINER_FOLDER}/weights/last.pt")
_TABLE = f"{TRAINER_FOLDER}/results.csv"
_FILMS = "films"
_AT_REST_SECONDS = 0.05  # A file's time is told in steps of some milliseconds.


def checkpoint_files(folder: Path, aside: Path) -> dict[str, tuple[int, str]]:
    """Keep the files to go on from `aside`; return their sizes and hashes, by their paths.

    The state is taken first: weights that are younger than it are trained again to the same, as
    after a kill; older ones would never be made. Empty where there is none, or one is written just
    now.
    """
    shutil.rmtree(aside, ignore_errors=True)
    try:
        _link(folder, aside, RESUME)
        for name in _WEIGHTS:
            if (folder / name).exists() and not _copied_at_rest(folder / name, aside / name):
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


def _copied_at_rest(path: Path, copy: Path) -> bool:
    """Copy a file that is written in its place; return whether it was at rest meanwhile."""
    before = path.stat()
    if 0 <= time.time() - before.st_mtime < _AT_REST_SECONDS:
        return False
    shutil.copy2(path, copy)
    after = path.stat()
    return (before.st_ino, before.st_size, before.st_mtime_ns) == (
        after.st_ino,
        after.st_size,
        after.st_mtime_ns,
    )
