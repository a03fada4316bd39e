"""Starts training children from a server process that has torch imported already."""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from spineseg.process_setup import prepare_environment
from spineseg.training.child import NO_SPACE, run_job
from spineseg.training.control import is_running
from spineseg.training.devices import Device


class Child:
    """A training in its own process: one that this process started, or one that it adopted."""

    def __init__(self, run_folder: Path, process: ForkServerProcess | None) -> None:
        self.run_folder = run_folder
        self._process = process

    def is_alive(self) -> bool:
        """Return whether it still works."""
        if self._process is not None:
            return self._process.is_alive()
        return is_running(self.run_folder)

    @property
    def found_no_space(self) -> bool:
        """Whether it ended because the disk was full."""
        return self._process is not None and self._process.exitcode == NO_SPACE

    def kill(self) -> None:
        """End it now, if this process started it; its last whole epoch stays resumable."""
        if self._process is not None:
            self._process.kill()
            self._process.join()

    def wait(self, seconds: float) -> None:
        """Wait until it ends, at most so long."""
        if self._process is not None:
            self._process.join(seconds)


class Launcher:
    """Owner of the server process; the process that holds it never imports torch."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache.resolve()
        prepare_environment(self._cache)
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["spineseg.training.preload"])

    def start(self, run_folder: Path, device: Device) -> Child:
        """Start the job in `run_folder` on `device`, or adopt the child that is at it already."""
        if is_running(run_folder):
            return Child(run_folder, None)
        process = self._context.Process(
            target=run_job, args=(run_folder.resolve(), device.name, self._cache)
        )
        process.start()
        return Child(run_folder, process)
