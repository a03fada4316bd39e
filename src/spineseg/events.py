"""`events.jsonl`, what happened in a run: one JSON object a line, said by whoever did it.

With `job.json` it is the record of the run; Optuna and MLflow are projections of both, filled
again whenever they are lost. The writer appends whole lines and syncs them; the reader leaves a
torn last line for its next visit, and refuses a line that another run has said.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from spineseg.config.model import Model
from spineseg.errors import RecordError
from spineseg.files import append_line
from spineseg.films import Part

FailureKind = Literal["out_of_memory", "nan_loss", "bad_data", "killed", "stalled", "bug"]
LossKind = Literal["killed", "out_of_memory", "stalled", "node_lost"]
EVENTS_FILE = "events.jsonl"
_UNWRITTEN = b"\0 \t\r\n"  # A power cut may leave zeros where a line was to come.


class _Event(Model):
    run: str = Field(description="The id of the job that it belongs to.")
    time: float = Field(
        default_factory=time.time, ge=0, lt=1e11, description="Seconds since the Unix epoch."
    )


class Started(_Event):
    """A child took the job up, for the first time or again after an interruption."""

    type: Literal["started"] = "started"
    pid: int
    device: str
    resumed_from_epoch: int = Field(0, description="Epochs that an earlier attempt had finished.")
    attempt: int = Field(1, ge=1, description="The how many-th attempt at the run it is.")
    split: int = Field(
        1, ge=1, description="Parts that a batch is trained in, their gradients added up: 1, whole."
    )
    parameters: int = Field(description="Weights in the network.")
    resolved: dict[str, Any] = Field(description="Every setting the trainer really uses.")
    environment: dict[str, str] = Field(description="Versions, processor, device name.")


class Epoch(_Event):
    """One epoch is over and validated."""

    type: Literal["epoch"] = "epoch"
    epoch: int = Field(ge=1)
    metrics: dict[str, float] = Field(
        description="train/box_loss .., valid/box_loss .., valid/mask_map50, valid/mask_map50_95, "
        "valid/mask_precision, valid/mask_recall and the same for box; lr/pg0 .."
    )
    system: dict[str, float] = Field(default_factory=dict, description="system/.. readings.")
    epoch_seconds: float = Field(description="Training and validation together.")
    validation_seconds: float

    def score(self, objective: str) -> float:
        """Return the trainer's own score of the epoch, by which a search is steered."""
        return self.metrics[f"valid/{objective}"]


class Phase(_Event):
    """What the child turns to now; before its first event it is starting."""

    type: Literal["phase"] = "phase"
    name: Literal["training", "pictures", "scoring", "recording"]


class Finished(_Event):
    """The training ended of itself or was asked to stop; its best weights are evaluated."""

    type: Literal["finished"] = "finished"
    outcome: Literal["completed", "pruned"]
    epochs: int = Field(description="Epochs trained, over all attempts.")
    best_epoch: int
    batch: int = Field(description="Batch size at the end: less than configured after an OOM.")
    optimizer: str = Field(description="Optimizer really used ('auto' resolved).")
    trainer_metrics: dict[str, float] = Field(
        description="The trainer's own scores of the best weights; empty where it has none."
    )
    metrics: dict[str, float] = Field(description="The project's own scores of the best weights.")
    train_seconds: float = Field(description="Over all attempts.")
    best_weights: str = Field(description="Path relative to the run folder.")
    last_weights: str
    pictures_missed: int = Field(
        0, description="Plots, and times that the shown films were not drawn; train.log says why."
    )


class Lost(_Event):
    """An attempt ended, and not the run: it goes on with another attempt, or is failed."""

    type: Literal["lost"] = "lost"
    attempt: int = Field(ge=1)
    kind: LossKind
    message: str


class Failed(_Event):
    """The training ended without a result."""

    type: Literal["failed"] = "failed"
    kind: FailureKind
    message: str
    traceback: str = ""


class Scored(_Event):
    """The best weights were scored on a further part, after the run's end."""

    type: Literal["scored"] = "scored"
    part: Part
    metrics: dict[str, float] = Field(description="test/mask_map50_95 .., as the model numbers.")


class Again(_Event):
    """After a failure: its training is asked for anew, under its name and a number of its own."""

    type: Literal["again"] = "again"
    reason: str = ""


class Paused(_Event):
    """An attempt ended as all searched trials do after the first step; the run may go on."""

    type: Literal["paused"] = "paused"
    epoch: int = Field(ge=1)


class Audited(_Event):
    """After its end: the pruner had given the run up, and it ran on to show what that costs."""

    type: Literal["audited"] = "audited"
    epoch: int = Field(ge=1, description="After which the pruner had given it up.")


def in_parts(split: int) -> str:
    """Return that batches were trained in parts: "batch in 2 parts"; empty where whole."""
    return f"batch in {split} parts" if split > 1 else ""


Event = Started | Epoch | Phase | Lost | Finished | Failed | Scored | Again | Audited | Paused
_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])


def append_event(run_folder: Path, event: Event) -> None:
    """Append `event` to the run's log and sync it to disk, in one write."""
    # Not pydantic's own JSON: it has no word for a score that is no number.
    append_line(run_folder / EVENTS_FILE, json.dumps(event.model_dump()))


def end_last_line(run_folder: Path) -> bool:
    """End a last line that lacks only its end; return whether there was one.

    A kill may come just before it, and what it says would be said twice. Only for who alone writes.
    """
    path = run_folder / EVENTS_FILE
    last = path.read_bytes().rpartition(b"\n")[2] if path.exists() else b""
    try:
        _parsed(last)
    except (ValueError, RecursionError):
        return False
    with path.open("ab") as log:
        log.write(b"\n")
    return True


class EventReader:
    """Follows one run's log from wherever it was left; `run` is the id of its job."""

    def __init__(self, run_folder: Path, run: str) -> None:
        self._path = run_folder / EVENTS_FILE
        self._run = run
        self._offset = 0

    def new_events(self) -> Iterator[Event]:
        """Yield the events that were completed since the last call; torn lines are passed over.

        Raises RecordError for an event of another run, and for a line that is none and not torn.
        """
        if not self._path.exists():
            return
        with self._path.open("rb") as log:
            log.seek(self._offset)
            for line in log:
                if not line.endswith(b"\n"):
                    return
                self._offset += len(line)
                event = event_of(line, self._run, self._path)
                if event is not None:
                    yield event


def event_of(line: bytes, run: str, log: Path) -> Event | None:
    """Return what a whole line of a run's log says; None for one that a killed writer left torn.

    Raises RecordError for an event of another run, and for a line that is none and not torn.
    """
    try:
        event = _parsed(line)
    except (ValueError, RecursionError) as error:
        if not isinstance(error, ValidationError) and _is_torn(line):
            return None  # What its writer wanted to say when it was killed is lost.
        raise RecordError(
            f"{log}: holds a line that is no event of this version ({line[:40]!r}); put the run's "
            "own log back, or move the folder away"
        ) from None
    if event.run != run:
        raise RecordError(
            f"{log}: holds an event of another run ({event.run[:12]}, not {run[:12]}); put the "
            "run's own log back, or move the folder away"
        )
    return event


def _parsed(line: bytes) -> Event:
    try:
        return _EVENT.validate_json(line)  # A fifth of the time, and stricter than `json`:
    except ValidationError:
        return _EVENT.validate_python(json.loads(line))  # a lone surrogate of a path is text here.


def _is_torn(line: bytes) -> bool:
    """Return whether a line looks like the beginning of an event, and not like a spoilt one.

    One that ends with a brace may be torn behind one within it, where all before it is sound.
    """
    begun, head = line.rstrip(_UNWRITTEN), b'{"run": "'
    if not (begun.startswith(head) or head.startswith(begun)):
        return False
    if not begun.endswith(b"}"):
        return True
    try:
        json.loads(begun)
    except json.JSONDecodeError as error:
        return error.pos == len(error.doc) or error.msg.startswith("Unterminated string")
    except (ValueError, RecursionError):
        return False
    return False


def read_events(run_folder: Path, run: str) -> list[Event]:
    """Return all completed events of a run, in order. Raises RecordError for another run's."""
    return list(EventReader(run_folder, run).new_events())
