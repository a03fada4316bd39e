"""What a person sees while a study runs: trial, epoch, score against the baseline, time left."""

from __future__ import annotations

import sys
import threading
import time
from typing import TextIO

from spineseg.config.study import StudyConfig
from spineseg.events import Epoch, Event, Failed, Finished
from spineseg.job import Job

QUIET_SECONDS = 15.0


def duration(seconds: float) -> str:
    """Return seconds as a person says them: `45 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


class Progress:
    """Lines about one study; on a terminal the epoch line is rewritten in place."""

    def __init__(self, config: StudyConfig, total: int, out: TextIO = sys.stdout) -> None:
        self._config = config
        self._total = total
        self._out = out
        self._live = out.isatty()
        self._lock = threading.Lock()
        self._baseline: dict[int, float] = {}
        self._epoch_seconds: list[float] = []
        self._last_line = 0.0
        self._done = 0

    def say(self, text: str) -> None:
        """Print a line of its own."""
        with self._lock:
            self._write(text, stays=True)

    def trial_begins(self, job: Job, resumed: bool) -> None:
        """Announce a trial."""
        again = " (taken up again)" if resumed else ""
        self.say(f"{self._head(job)}{again}: {job.changed}")

    def trial_event(self, job: Job, event: Event) -> None:
        """Show one event of a trial."""
        match event:
            case Epoch():
                self._epoch(job, event)
            case Finished():
                self._finished(job, event)
            case Failed():
                self._done += 1
                self.say(f"{self._head(job)} failed: {event.kind}, {event.message}")

    def _epoch(self, job: Job, event: Epoch) -> None:
        score, epochs = event.score(job.objective), job.config.epochs
        if job.kind == "baseline":
            self._baseline[event.epoch] = score
        self._epoch_seconds = [*self._epoch_seconds[-19:], event.epoch_seconds]
        against = self._baseline.get(event.epoch)
        compared = "" if against is None or job.kind == "baseline" else f" (baseline {against:.3f})"
        mean = sum(self._epoch_seconds) / len(self._epoch_seconds)
        left = mean * (epochs - event.epoch)
        after = mean * self._config.baseline.epochs * max(0, self._total - self._done - 1)
        text = (
            f"{self._head(job)}  epoch {event.epoch}/{epochs}  "
            f"{job.objective} {score:.3f}{compared}  "
            f"left: trial {duration(left)}, study at most {duration(left + after)}"
        )
        with self._lock:
            due = time.monotonic() - self._last_line > QUIET_SECONDS
            if self._live or due:
                self._write(text, stays=not self._live)

    def _finished(self, job: Job, event: Finished) -> None:
        self._done += 1
        best = event.metrics
        missed = event.pictures_missed
        pictures = f"; films not drawn {missed} times, see its train.log" if missed else ""
        self.say(
            f"{self._head(job)} {event.outcome} after {event.epochs} epochs in "
            f"{duration(event.train_seconds)}: mask mAP50 {best['best/mask_map50']:.3f}, mAP50-95 "
            f"{best['best/mask_map50_95']:.3f}, right level {best['best/right_level_rate']:.0%}"
            f"{pictures}"
        )

    def _head(self, job: Job) -> str:
        place = job.number + 1
        return f"[{place}/{max(self._total, place)}] {job.name}"

    def _write(self, text: str, *, stays: bool) -> None:
        if self._live:
            self._out.write("\r\x1b[K" + text + ("\n" if stays else ""))
        else:
            self._out.write(text + "\n")
        self._out.flush()
        self._last_line = time.monotonic()
