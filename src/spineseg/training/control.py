"""A running training from outside: is it at work, and the word to stop."""

from __future__ import annotations

from pathlib import Path

from spineseg.files import is_locked

LOG_FILE = "train.log"
STOP_FILE = "stop"
LOCK_FILE = "lock"
TRAINER_FOLDER = "train"


def ask_to_stop(run_folder: Path) -> None:
    """Ask the child of this run to stop; it still evaluates and keeps its best weights."""
    (run_folder / STOP_FILE).touch()


def stop_asked(run_folder: Path) -> bool:
    """Return whether the child of this run has been asked to stop."""
    return (run_folder / STOP_FILE).exists()


def is_running(run_folder: Path) -> bool:
    """Return whether a child, whoever started it, is at work in this run folder."""
    return is_locked(run_folder / LOCK_FILE)
