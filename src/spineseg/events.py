"""`events.jsonl`, the truth of a run: what a training child says, one JSON object a line.

Optuna and MLflow are projections of this log; whatever happens to them, the log can be
replayed. The writer appends whole lines and syncs them; the reader leaves a torn last line
for its next visit.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from spineseg.config.model import Model

FailureKind = Literal["out_of_memory", "nan_loss", "bad_data", "killed", "bug"]
EVENTS_FILE = "events.jsonl"


class _Event(Model):
    time: float = Field(default_factory=time.time, description="Seconds since the Unix epoch.")


class Started(_Event):
    """A child took the job up, for the first time or again after an interruption."""

    type: Literal["started"] = "started"
    pid: int
    device: str
    resumed_from_epoch: int = Field(0, description="Epochs that an earlier attempt had finished.")
    parameters: int = Field(description="Weights in the network.")
    resolved: dict[str, Any] = Field(description="Every setting the trainer really uses.")
    environment: dict[str, str] = Field(description="Versions, processor, device name.")


class Epoch(_Event):
    """One epoch is over and validated."""

    type: Literal["epoch"] = "epoch"
    epoch: int = Field(ge=1)
    metrics: dict[str, float] = Field(
        description="train/box_loss .., val/box_loss .., val/mask_map50, val/mask_map50_95, "
        "val/mask_precision, val/mask_recall and the same for box; lr/pg0 .."
    )
    system: dict[str, float] = Field(default_factory=dict, description="system/.. readings.")
    epoch_seconds: float = Field(description="Training and validation together.")
    validation_seconds: float


class Finished(_Event):
    """The training ended of itself or was asked to stop; its best weights are evaluated."""

    type: Literal["finished"] = "finished"
    outcome: Literal["completed", "pruned"]
    epochs: int = Field(description="Epochs trained, over all attempts.")
    best_epoch: int
    batch: int = Field(description="Batch size at the end: less than configured after an OOM.")
    optimizer: str = Field(description="Optimizer really used ('auto' resolved).")
    trainer_metrics: dict[str, float] = Field(description="The trainer's own scores of best.pt.")
    metrics: dict[str, float] = Field(description="The project's own scores of best.pt.")
    train_seconds: float = Field(description="Over all attempts.")
    best_weights: str = Field(description="Path relative to the run folder.")
    last_weights: str


class Failed(_Event):
    """The training ended without a result."""

    type: Literal["failed"] = "failed"
    kind: FailureKind
    message: str
    traceback: str = ""


Event = Annotated[Started | Epoch | Finished | Failed, Field(discriminator="type")]
_EVENT: TypeAdapter[Started | Epoch | Finished | Failed] = TypeAdapter(Event)


def append_event(run_folder: Path, event: Started | Epoch | Finished | Failed) -> None:
    """Append `event` to the run's log and sync it to disk, in one write."""
    line = (json.dumps(event.model_dump()) + "\n").encode()
    path = run_folder / EVENTS_FILE
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line  # An earlier writer was killed in mid-line.
        os.write(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class EventReader:
    """Follows one run's log from wherever it was left."""

    def __init__(self, run_folder: Path) -> None:
        self._path = run_folder / EVENTS_FILE
        self._offset = 0

    def new_events(self) -> Iterator[Started | Epoch | Finished | Failed]:
        """Yield the events that were completed since the last call; torn lines are passed over."""
        if not self._path.exists():
            return
        with self._path.open("rb") as log:
            log.seek(self._offset)
            for line in log:
                if not line.endswith(b"\n"):
                    return
                self._offset += len(line)
                event = _parse(line)
                if event is not None:
                    yield event


def _parse(line: bytes) -> Started | Epoch | Finished | Failed | None:
    try:
        return _EVENT.validate_json(line)
    except ValueError:
        return None  # The torn line of a killed writer: what it wanted to say is lost.


def read_events(run_folder: Path) -> list[Started | Epoch | Finished | Failed]:
    """Return all completed events of a run, in order."""
    return list(EventReader(run_folder).new_events())
