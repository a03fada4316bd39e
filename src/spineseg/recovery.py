"""What follows an attempt that ended and not its run: another one, told what, or the run's end.

All of it is read off the run's log, so a driver that comes later goes on by the same rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spineseg.events import (
    Epoch,
    Event,
    Failed,
    Finished,
    Lost,
    Started,
    append_event,
    end_last_line,
    read_events,
)

MOST_LOSSES = 3
"""So many attempts lost without an epoch between them end a run: it will not get any further."""
SPLITS = (1, 1, 2, 4)
"""Parts of a batch by how often memory has been short: once more whole, elsewhere; then less."""


@dataclass(frozen=True)
class Next:
    """The attempt that follows."""

    attempt: int
    split: int
    elsewhere: bool  # Whether it is better made on another device than the one before.


def next_attempt(log: Sequence[Event], batch: int, begun: int = 0) -> Next | None:
    """Return the attempt that follows what is on record; None where the run is to be given up.

    `begun` is the number of an attempt that may have died before it said anything. Losses count
    only while there is no further epoch between them: a training of days may meet many.
    """
    short = _short_of_memory(log)
    if short >= len(SPLITS) or SPLITS[short] > max(batch, 1) or _in_a_row(log) >= MOST_LOSSES:
        return None
    said = [e.attempt for e in log if isinstance(e, Started | Lost)]
    last = next((e for e in reversed(log) if not isinstance(e, Epoch)), None)
    elsewhere = isinstance(last, Lost) and last.kind == "out_of_memory"
    return Next(max([begun, *said], default=0) + 1, SPLITS[short], elsewhere)


def lose(run_folder: Path, run: str, attempt: int, kind: str, message: str) -> None:
    """Put on record that an attempt is lost; `message` says how it ended, where that is known.

    Not where it said the run's end, and was killed before it had ended the line.
    """
    read = read_events if end_last_line(run_folder) else None
    if read and any(isinstance(e, Finished | Failed) for e in read(run_folder, run)):
        return
    told = {"run": run, "attempt": attempt, "kind": kind}
    told["message"] = message or "ended without a word"
    append_event(run_folder, Lost.model_validate(told))


def given_up(log: Sequence[Event], run: str, where: str) -> Failed:
    """Return the end of a run of which no further attempt is made; `where` is its train.log."""
    last = next(e for e in reversed(log) if isinstance(e, Lost))
    attempts = sum(isinstance(e, Lost) for e in log)
    if last.kind == "out_of_memory":
        parts = max((e.split for e in log if isinstance(e, Started)), default=1)
        tried = f", the last with each batch in {parts} parts" if parts > 1 else ""
        message = f"the device had too little memory in {attempts} attempts{tried}: {last.message}"
        return Failed(run=run, kind="out_of_memory", message=message)
    message = (
        f"the training process died {MOST_LOSSES} times without an epoch between "
        f"(last: {last.message}); see {where}"
    )
    kind = "stalled" if last.kind == "stalled" else "killed"
    return Failed(run=run, kind=kind, message=message)


def _short_of_memory(log: Sequence[Event]) -> int:
    return sum(isinstance(e, Lost) and e.kind == "out_of_memory" for e in log)


def _in_a_row(log: Sequence[Event]) -> int:
    """Return how many attempts were lost since the last epoch that was a new one."""
    best, count = 0, 0
    for event in log:
        if isinstance(event, Epoch) and event.epoch > best:
            best, count = event.epoch, 0
        elif isinstance(event, Lost) and event.kind != "out_of_memory":
            count += 1
    return count
