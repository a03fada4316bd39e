"""A run's log, read as far as it is asked: 1,000 runs of 250 epochs are 250 MB of lines.

Every line is looked at when the log is opened: that it is whole, this run's, and an epoch with its
score or another event. Other events are read at once, they are few; an epoch's figures only when
they are asked for, and are refused then where they are none. What is irregular is read at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, overload

from spineseg.errors import RecordError
from spineseg.events import EVENTS_FILE, Epoch, Event, event_of

# As `append_event` writes it. A line that is no such is no fault: it is read in full.
_EPOCH = re.compile(
    rb'\{"run": "[^"]*", "time": ([0-9.]+), "type": "epoch", "epoch": ([0-9]+), "metrics": \{'
)
_TYPE, _LONGEST_TIME, _BRACE = b', "type": "epoch", "epoch": ', 40, ord("}")
_LAST, _LONGEST_LAST = b', "validation_seconds": ', 64  # A line that lacks it may be torn.


class Mark(NamedTuple):
    """An epoch that is over: what steers and times a study, without its other figures."""

    time: float  # Seconds since the Unix epoch.
    epoch: int
    score: float  # The trainer's own, of the study's objective.


class RunLog(Sequence[Event]):
    """The completed events of a run as they were when it was opened; `objective` is scored."""

    def __init__(self, run_folder: Path, run: str, objective: str) -> None:
        """Raise RecordError as `EventReader.new_events` does, but for what epochs measured."""
        self.path = run_folder / EVENTS_FILE
        self._run = run
        self._objective = objective
        self._key = f'"valid/{objective}": '.encode()
        self._events: dict[int, Event] = {}  # All but regular epochs, by place.
        self._torn: set[int] = set()
        self._size = self._lines = 0
        self._marks: list[Mark] | None = None
        self._last: Mark | None = None
        self._look()

    def _look(self) -> None:
        """Go through the lines by their places in one text: copying them takes as long again."""
        log = self._content()
        regular = self._pass_over(log)
        if regular != log.count(
            self._key, 0, self._size
        ):  # Faster than to look for it line by line.
            self._events, self._torn = {}, set()
            for number, line in enumerate(log[: self._size].split(b"\n")[:-1]):
                self._read_now(number, line)
        elif regular:
            last = log.rfind(_TYPE, 0, self._size)
            last = log.rfind(b"\n", 0, last) + 1
            self._last = self._mark(log[last : log.find(b"\n", last)])

    def _pass_over(self, log: bytes) -> int:
        """Read what is no epoch as `append_event` writes it; return how many of these there are."""
        begun = f'{{"run": "{self._run}", "time": '.encode()
        find, begins, start = log.find, log.startswith, len(begun)
        stop = start + _LONGEST_TIME + len(_TYPE)
        at = number = regular = 0
        while (end := find(b"\n", at)) >= 0:
            if (
                begins(begun, at)
                and find(_TYPE, at + start, at + stop) > 0
                and log[end - 1] == _BRACE
                and find(_LAST, end - _LONGEST_LAST, end) > 0
            ):
                regular += 1
            else:
                self._read_now(number, log[at:end])
            number += 1
            at = end + 1
        self._size, self._lines = at, number
        return regular

    def _read_now(self, number: int, line: bytes) -> None:
        event = event_of(line, self._run, self.path)
        if event is None:
            self._torn.add(number)
        else:
            self._events[number] = event

    def _content(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""

    def _again(self) -> list[bytes]:
        """Return the lines that were there when the log was opened."""
        lines = self._content()[: self._size].split(b"\n")[:-1]
        if len(lines) != self._lines or sum(map(len, lines)) + len(lines) != self._size:
            raise RecordError(f"{self.path}: was changed while it was read; try again")
        return lines

    def _mark(self, line: bytes) -> Mark:
        found = _EPOCH.match(line)
        if found is not None:
            begin = line.find(self._key, found.end()) + len(self._key)
            end = min(at for at in (line.find(b",", begin), line.find(b"}", begin)) if at > 0)
            try:
                return Mark(float(found[1]), int(found[2]), float(line[begin:end]))
            except ValueError:
                pass  # What is wrong is told below.
        event = event_of(line, self._run, self.path)
        assert isinstance(event, Epoch)  # By its type.
        return _mark_of(event, self._objective)

    @property
    def unscored(self) -> bool:
        """Whether an epoch is without the objective."""
        name = f"valid/{self._objective}"
        return any(name not in epoch.metrics for epoch in self._irregular())

    def _irregular(self) -> list[Epoch]:
        return [event for event in self._events.values() if isinstance(event, Epoch)]

    @property
    def last_time(self) -> float | None:
        """When something was said last; None where nothing was."""
        others = [event.time for event in list(self._events.values())[-1:]]
        return max(others + ([self._last.time] if self._last else []), default=None)

    @property
    def told(self) -> list[Event]:
        """All events but epochs, in order."""
        return [event for event in self._events.values() if not isinstance(event, Epoch)]

    def brief(self) -> list[Event | Mark]:
        """Return all events in order, of each epoch its mark. Raises RecordError for a bad one."""
        if self._marks is None:
            regular = self._events.keys() | self._torn
            lines = self._again() if len(regular) < self._lines else []
            self._marks = [self._mark(line) for i, line in enumerate(lines) if i not in regular]
        marks = iter(self._marks)
        found: list[Event | Mark] = []
        for place in range(self._lines):
            event = self._events.get(place)
            if event is None and place not in self._torn:
                found.append(next(marks))
            elif event is not None:
                found.append(
                    _mark_of(event, self._objective) if isinstance(event, Epoch) else event
                )
        return found

    def marks(self) -> list[Mark]:
        """Return the marks of all epochs, in order; of one trained twice both."""
        return [each for each in self.brief() if isinstance(each, Mark)]

    def last_of_all(self) -> tuple[int, Mark | None] | None:
        """Return how many epochs there are, and the last; None where that takes all their marks."""
        regular = self._lines - len(self._events) - len(self._torn)
        if self._irregular():
            return None
        once = self._last is None or self._last.epoch == regular
        return (regular, self._last) if once else None

    def __len__(self) -> int:
        """Return how many events there are."""
        return self._lines - len(self._torn)

    def __iter__(self) -> Iterator[Event]:
        """Yield all events, every figure read. Raises RecordError for a line that is none."""
        for place, line in enumerate(self._again()):
            event = self._events.get(place)
            if event is None and place not in self._torn:
                event = event_of(line, self._run, self.path)
            if event is not None:
                yield event

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        """Return an event, or several, every figure read."""
        return list(self)[index]


def brief(log: Sequence[Event], objective: str) -> list[Event | Mark]:
    """Return a run's events in order, of each epoch its mark alone."""
    if isinstance(log, RunLog):
        return log.brief()
    return [_mark_of(event, objective) if isinstance(event, Epoch) else event for event in log]


def _mark_of(event: Epoch, objective: str) -> Mark:
    return Mark(event.time, event.epoch, event.score(objective))


def told(log: Sequence[Event]) -> list[Event]:
    """Return a run's events but for its epochs, in order."""
    if isinstance(log, RunLog):
        return log.told
    return [event for event in log if not isinstance(event, Epoch)]
