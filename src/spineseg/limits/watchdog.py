"""Whether a training hangs: silent for longer than its epochs, and the study's, ever took."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import psutil

from spineseg.config.limits import LimitsConfig
from spineseg.config.training import TrainConfig
from spineseg.events import Epoch, Event, Phase, Started
from spineseg.files import holder, is_locked
from spineseg.places import LOCK_FILE
from spineseg.run_times import duration, relative_work
from spineseg.runs import Run

_MOST_BETWEEN_LOOKS = 60.0  # Seconds: longer, and it was who watches that slept (Ctrl-Z, a laptop).
_BUSY = 0.05  # Of a core: a process that waits for ever takes none.
_STATES = {
    psutil.STATUS_STOPPED: "it is stopped (SIGSTOP, Ctrl-Z; `kill -CONT` lets it go on)",
    psutil.STATUS_TRACING_STOP: "it is held by a debugger",
    psutil.STATUS_ZOMBIE: "it is dead and was not taken leave of (a zombie)",
    psutil.STATUS_DISK_SLEEP: "it waits for a disk or a network folder",
}


class Watch:
    """Watches one attempt by when its words arrive: no clock but the watcher's own counts.

    Moments are seconds of one steady clock, as `time.monotonic()` gives them.
    """

    def __init__(
        self,
        limits: LimitsConfig,
        now: float,
        *,
        longest_epoch: float = 0.0,
        run_folder: Path | None = None,
    ) -> None:
        """Begin to watch. `longest_epoch`, in seconds, is what to expect by other runs; 0: nothing.

        `run_folder` is that of a child of this machine: its process is looked at as well.
        """
        self._least = limits.stalled_minutes * 60
        self._factor = limits.stalled_factor
        self._expected, self._longest = longest_epoch, 0.0
        self._folder = run_folder
        self._phase, self._epochs = "starting", 0
        self.reached(now)

    def heard(self, event: Event, now: float) -> None:
        """Take note that the run's log has said something more."""
        self.reached(now)
        match event:
            case Started():
                self._phase = "training"
            case Epoch():
                self._longest = max(self._longest, event.epoch_seconds)
                self._epochs = event.epoch
            case Phase():
                self._phase = event.name

    def reached(self, now: float) -> None:
        """Take note of any other sign of life, as a file that came from a node."""
        self._looked, self._silent = now, 0.0
        self._processor: tuple[float, float] | None = None  # Silence and its time when looked at.

    def stalled(self, now: float, *, waits: bool = False) -> str | None:
        """Return why the attempt counts as hung, for its Lost event; None while it does not.

        While it `waits` for a judgement it is the driver's turn, and not silent.
        """
        if waits:
            self.reached(now)
            return None
        self._silent += min(max(0.0, now - self._looked), _MOST_BETWEEN_LOOKS)
        self._looked = now
        if self._folder is not None and self._processor is None and self._silent > self._least / 2:
            self._processor = self._silent, _processor_seconds(self._folder)
        if self._silent <= self._least or not self._too_long():
            return None
        state = process_state(self._folder) if self._folder is not None else ""
        known = self._longest or self._expected
        against = f"its epochs take up to {duration(known)}" if known else "no epoch is known yet"
        where = f"after epoch {self._epochs}, {self._phase}" if self._epochs else self._phase
        return (
            f"no word for {duration(self._silent)} ({where}; {against})"
            f"{f'; {state}' if state else ''}; a longer silence is allowed by "
            "limits.stalled_minutes and limits.stalled_factor"
        )

    def _too_long(self) -> bool:
        """Return whether a silence of more than `stalled_minutes` is longer than may be expected.

        Before an epoch is known nothing says how long one may take: a first epoch of hours must not
        be cut off, and a process that computes nothing need not be waited for.
        """
        known = self._longest or self._expected
        if known and self._phase != "starting":
            return self._silent > self._factor * known
        return self._silent > self._factor * self._least or self._is_idle()

    def _is_idle(self) -> bool:
        """Return whether its process has hardly computed for half of `stalled_minutes`."""
        if self._folder is None or self._processor is None:
            return False
        since, before = self._processor
        passed = self._silent - since
        if passed < self._least / 2:
            return False
        now = _processor_seconds(self._folder)
        self._processor = self._silent, now
        return now - before < _BUSY * passed


def longest_epoch(config: TrainConfig, runs: Iterable[Run]) -> float:
    """Return the seconds of the longest epoch that the runs tell of, at the size of `config`.

    0 where they tell of none.
    """
    return max(
        (
            epoch.epoch_seconds * relative_work(config, run.job.config)
            for run in runs
            for epoch in run.epochs
        ),
        default=0.0,
    )


def process_state(run_folder: Path) -> str:
    """Return what is odd about the process at work in a run's folder, in words; empty: nothing."""
    process = _process(run_folder)
    try:
        return _STATES.get(process.status(), "") if process is not None else ""
    except psutil.Error:
        return ""


def _process(run_folder: Path) -> psutil.Process | None:
    """Return the process at a run; a zombie still holds the lock, and shows no open file."""
    lock = run_folder / LOCK_FILE
    found = holder(lock)
    if found is not None or not is_locked(lock):
        return found
    try:
        process = psutil.Process(int(lock.read_text()))
        return process if process.status() == psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, psutil.Error):
        return None


def _processor_seconds(run_folder: Path) -> float:
    """Return the processor time of the process at work there and of those that it started."""
    process = _process(run_folder)
    if process is None:
        return 0.0
    total = 0.0
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        family = [process]
    for one in family:
        try:
            times = one.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total
