"""Starts training children from a server process that has torch imported already."""

from __future__ import annotations

import importlib
import multiprocessing
import signal
import time
from contextlib import suppress
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import psutil

from spineseg.files import holder
from spineseg.process_setup import prepare_environment
from spineseg.training.control import LOCK_FILE, NO_SPACE, is_running
from spineseg.training.devices import Device
from spineseg.training.orders import Orders

TRAINER = "spineseg.training.child:run_job"
"""What a child runs: `module:function`, called with run folder, device, cache and orders."""


_FIRST = Orders()
_KILL_SECONDS = 10.0  # One stuck in a disk or a device ends when that answers.
_DYING_SECONDS, _PAUSE_SECONDS = 20.0, 0.05  # A process killed refuses before it is gone.
_SERVER_DIED = 255
"""Exit code that multiprocessing gives a child whose server process is gone, alive or not."""


def _found(number: int | None) -> psutil.Process | None:
    try:
        return psutil.Process(number)
    except psutil.Error:
        return None


def _is_there(process: psutil.Process | None) -> bool:
    """Return whether a process works still, and not another one of its number."""
    try:
        return (
            process is not None
            and process.is_running()
            and process.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.Error:
        return False


class Child:
    """A training in its own process: one that this process started, or one that it adopted."""

    def __init__(self, run_folder: Path, process: ForkServerProcess | None) -> None:
        self.run_folder = run_folder
        self._process = process
        self._there = _found(process.pid) if process is not None else None

    def is_alive(self) -> bool:
        """Return whether it still works."""
        if self._process is not None and (
            self._process.is_alive() or (self._is_out_of_sight and _is_there(self._there))
        ):
            return True
        if not is_running(self.run_folder):
            return False
        self._process = None  # Another process was quicker than ours.
        return True

    @property
    def _is_out_of_sight(self) -> bool:
        """Whether the server process may have died: children outlive it, and it waits for them."""
        return self._process is not None and self._process.exitcode == _SERVER_DIED

    @property
    def found_no_space(self) -> bool:
        """Whether it ended because the disk was full."""
        return self._process is not None and self._process.exitcode == NO_SPACE

    def kill(self) -> None:
        """End it now; its last whole epoch stays resumable."""
        if self._process is not None:
            self._process.kill()
            self._process.join(_KILL_SECONDS)
            if self._is_out_of_sight and self._there is not None:
                with suppress(psutil.Error):
                    self._there.kill()
                    self._there.wait(_KILL_SECONDS)
        elif process := holder(self.run_folder / LOCK_FILE):  # Ctrl-C never reached it.
            with suppress(psutil.Error):  # It ended meanwhile.
                process.kill()
                process.wait(_KILL_SECONDS)

    @property
    def ended_by(self) -> str:
        """How its process ended, in words; empty where this process did not start it."""
        code = self._process.exitcode if self._process is not None else None
        if code is None or code == _SERVER_DIED:
            return ""
        if code >= 0:
            return f"exit code {code}"
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"

    def wait(self, seconds: float) -> None:
        """Wait until it ends, at most so long."""
        if self._process is not None:
            self._process.join(seconds)


class Launcher:
    """Owner of the server process; the process that holds it never imports torch."""

    def __init__(self, cache: Path, trainer: str = TRAINER) -> None:
        """Prepare to start trainings, Ultralytics' files in `cache`; a child runs `trainer`."""
        self._cache, self._trainer = cache.resolve(), trainer
        prepare_environment(self._cache)
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        preload = "spineseg.training.preload" if trainer == TRAINER else trainer.split(":")[0]
        self._context.set_forkserver_preload([preload])

    def begin(self) -> None:
        """Begin the server process, which takes seconds to import torch; waits for nothing."""
        forkserver.ensure_running()

    def start(self, run_folder: Path, device: Device, orders: Orders = _FIRST) -> Child:
        """Start the job in `run_folder` on `device`, or adopt the child that is at it already."""
        if is_running(run_folder):
            return Child(run_folder, None)
        told = (self._trainer, run_folder.resolve(), device.name, self._cache, orders)
        until = time.monotonic() + _DYING_SECONDS
        while True:
            process = self._context.Process(target=_run, args=told)
            try:
                process.start()
                return Child(run_folder, process)
            except (EOFError, ConnectionError):  # The server died at it; another begins by itself,
                if time.monotonic() > until:  # but not before the dead one is seen to be dead.
                    raise
                time.sleep(_PAUSE_SECONDS)


def _run(trainer: str, run_folder: Path, device: str, cache: Path, orders: Orders) -> None:
    module, function = trainer.split(":")
    getattr(importlib.import_module(module), function)(run_folder, device, cache, orders)
