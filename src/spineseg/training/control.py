"""A training from outside: is it at work, the word to stop, and whether it is worth going on."""

from __future__ import annotations

import errno
import time
from pathlib import Path

from spineseg.files import is_locked, write_whole
from spineseg.places import DRIVER_LOCK, LOCK_FILE

LOG_FILE = "train.log"
RESUME_FILE = "resume.pt"
STOP_FILE = "stop"
TRAINER_FOLDER = "train"
NO_SPACE = errno.ENOSPC
"""Exit code of a child that found the disk full."""
_WORTH_FILE = "worth"
_LOOK_SECONDS = 0.02


def ask_to_stop(run_folder: Path, epochs: int = 1) -> None:
    """Ask the child of this run to stop after so many epochs, with its best weights evaluated."""
    write_whole(run_folder / STOP_FILE, str(epochs))


def stop_asked(run_folder: Path, epochs: int) -> bool:
    """Return whether the child of this run, having trained so many epochs, is to stop."""
    asked = _number(run_folder / STOP_FILE)
    return asked is not None and epochs >= max(1, asked)


def let_go_on(run_folder: Path, epochs: int) -> None:
    """Say that after so many epochs the run is worth another one."""
    write_whole(run_folder / _WORTH_FILE, str(epochs))


def wait_until_judged(run_folder: Path, epochs: int) -> bool:
    """Wait until it is said whether the run is worth going on after so many epochs.

    It mostly has been, while the next epoch was trained. Returns False, with a line that says so,
    where nobody drives the study any more.
    """
    while not is_judged(run_folder, epochs):
        if not is_locked(run_folder.parent / DRIVER_LOCK):
            print(
                f"nobody drives the study, to say whether epoch {epochs} is worth going on from; "
                "`spineseg run` takes this run up again",
                flush=True,
            )
            return False
        time.sleep(_LOOK_SECONDS)
    return True


def is_judged(run_folder: Path, epochs: int) -> bool:
    """Return whether it has been said if the run goes on or stops after so many epochs."""
    worth = _number(run_folder / _WORTH_FILE) or 0
    return worth >= epochs or _number(run_folder / STOP_FILE) is not None


def _number(path: Path) -> int | None:
    """Return what a file says; 0 for an empty one, of an earlier version, and None without one."""
    try:
        return int(path.read_text() or 0)
    except FileNotFoundError:
        return None


def is_running(run_folder: Path) -> bool:
    """Return whether a child, whoever started it, is at work in this run folder."""
    return is_locked(run_folder / LOCK_FILE)
