"""What a carrier knows of the runs it follows: what is due when, and for how long nothing came."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from spineseg.job import Job

MOST_MISSES = 3  # So often a store may choke on one thing, and take others, until that is refused.
_LONGEST_PACE_SECONDS = 60.0
_SHARE = 8  # What a store shows of a run lags behind by an eighth of its time at most.
_LONGEST_PAUSE_SECONDS = 60.0  # Of a run that the store choked on.
_REFUSED_SECONDS = 180.0  # Then a refused run is tried again: rights are given, disks emptied.


class Target(Protocol):
    """One study in one store. All is called in the carrier's thread, one call at a time.

    It may have two further attributes: `answers`, how often its store has answered so far (this
    tells a slow store from one that hangs), and `left`, names of runs that `idle` has not brought.
    """

    def open(self) -> None:
        """Connect, and make what is missing; called again after each failure.

        Raises StoreError where the store does not answer, RefusedError where it answers, and
        waiting does not help.
        """

    def carry(self, folder: Path, job: Job) -> None:
        """Bring this run up to date, from its log.

        Raises StoreError where the store does not answer; any other error is this run's alone.
        """

    def idle(self) -> bool:
        """Do a piece of what else waits; False where nothing is left. Raises as `carry` does."""


@dataclass
class News:
    """What is known of a run that is followed."""

    job: Job
    since: float = field(default_factory=time.monotonic)
    carried: float = -1e9  # When it was last brought up to date.
    waits: bool = True  # Something happened since.
    ended: bool = False
    refused: bool = False  # The last try failed, and not because the store was away.
    misses: int = 0  # Tries since the last that went well in which the store failed.
    not_before: float = 0.0

    @property
    def suspect(self) -> bool:
        """Whether one more failure is this run's own, and says nothing of the store."""
        return self.misses >= MOST_MISSES - 1

    def happened(self, *, ended: bool) -> None:
        """Note that something happened in the run."""
        self.waits, self.ended = True, self.ended or ended
        if self.refused and not self.misses:
            self.not_before = 0.0

    def due(self, pace: float) -> float:
        """Return when it is to be carried: sooner while it is young, at once where it ended."""
        lag = min(max(pace, (self.carried - self.since) / _SHARE), _LONGEST_PACE_SECONDS)
        wanted = 0.0 if self.ended or not self.waits else self.carried + lag
        return max(wanted, self.not_before)

    def went(self, how: str, first_pause: float) -> None:
        """Note how a try went: "done", "away" or "refused"."""
        self.refused, now = how == "refused", time.monotonic()
        if how == "done":
            self.misses, self.not_before = 0, 0.0
        elif how == "away":
            self.waits, self.misses = True, self.misses + 1
            pause = first_pause * 2**self.misses
            self.not_before = now + min(pause, _LONGEST_PAUSE_SECONDS)
        else:
            self.not_before = now + _REFUSED_SECONDS


class Silence:
    """For how long a figure has not changed, as far as one has looked."""

    def __init__(self) -> None:
        """Begin now."""
        self._last: object = None
        self._since = time.monotonic()

    def seconds(self, figure: object) -> float:
        """Return for how long the figure has been this one."""
        if figure != self._last:
            self._last, self._since = figure, time.monotonic()
        return time.monotonic() - self._since


class Notes:
    """What further is to be done, the latest of each kind."""

    def __init__(self) -> None:
        """Begin with none."""
        self._works: dict[str, Callable[[], object]] = {}
        self._misses: dict[str, int] = {}

    def __bool__(self) -> bool:
        """Return whether any waits."""
        return bool(self._works)

    def put(self, kind: str, work: Callable[[], object]) -> None:
        """Have this done in place of what waits of its kind."""
        self._works[kind] = work

    def first(self) -> tuple[str, Callable[[], object]] | None:
        """Return what is to be done next."""
        return next(iter(self._works.items()), None)

    def suspect(self, kind: str) -> bool:
        """Return whether one more failure is of this kind's own."""
        return self._misses.get(kind, 0) >= MOST_MISSES - 1

    def went(self, kind: str, work: Callable[[], object], how: str) -> None:
        """Note how a try went; what the store failed at comes after the others."""
        if how == "away":
            self._misses[kind] = self._misses.get(kind, 0) + 1
            self._works[kind] = self._works.pop(kind)
            return
        if how == "done":
            self._misses.pop(kind, None)
        if self._works.get(kind) is work:
            del self._works[kind]
