"""What a training child is given, and where it writes: the run folder and its `job.json`."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field

from ..config import Model, TrainConfig
from ..evaluation.numbering import NumberingModel

JOB_FILE = "job.json"
LOG_FILE = "train.log"
STOP_FILE = "stop"
LOCK_FILE = "lock"
TRAINER_FOLDER = "train"


class Job(Model):
    """One training, fully resolved: a child needs nothing else."""

    config: TrainConfig
    dataset: Path = Field(description="Folder of the merged dataset, with data.yaml.")
    weights: Path | None = Field(description="Starting weights; none: random.")
    numbering: NumberingModel = Field(
        default_factory=NumberingModel, description="How columns are numbered, beside plainly."
    )
    fraction: float = Field(1.0, gt=0, le=1, description="Part of the training images to use.")

    def write(self, run_folder: Path) -> None:
        """Write `job.json` into the run folder, whole or not at all."""
        run_folder.mkdir(parents=True, exist_ok=True)
        part = run_folder / (JOB_FILE + ".part")
        part.write_text(self.model_dump_json(indent=1))
        part.replace(run_folder / JOB_FILE)

    @classmethod
    def read(cls, run_folder: Path) -> Job:
        """Read what `write` wrote."""
        return cls.model_validate_json((run_folder / JOB_FILE).read_text())


def ask_to_stop(run_folder: Path) -> None:
    """Ask the child of this run to stop; it still evaluates and keeps its best weights."""
    (run_folder / STOP_FILE).touch()


def stop_asked(run_folder: Path) -> bool:
    """Return whether the child of this run has been asked to stop."""
    return (run_folder / STOP_FILE).exists()


def is_running(run_folder: Path) -> bool:
    """Return whether a child, whoever started it, is at work in this run folder."""
    import fcntl

    try:
        descriptor = os.open(run_folder / LOCK_FILE, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
