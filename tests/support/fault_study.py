"""Studies whose trainings are fake and whose processes are real, to be stopped from outside.

A driver is a process in a session of its own: forked from a process that has everything imported
and no thread and no store open (`forked`, quick), or the command `spineseg run` (`begun`).
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sys
import time
import traceback
import types
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, ClassVar

import psutil
from command import ENVIRONMENT, ROOT
from exports import write_export
from fake_process import TRAINER, Manner, behave
from stopped_studies import STUDY

from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.files import holder
from spineseg.places import LOCK_FILE, StudyPlaces

SHORT = STUDY.replace("confirm: {{top: 1, seeds: 2}}", "confirm: null").replace(
    "  - {{name: slow, hypothesis: Slower is better., changes: {{lr0: 0.001}}}}\n", ""
)
"""A study of a baseline, one variant and what is searched."""
DONE, STOPPED = 0, 130
"""Exit codes of a driver whose study is at its end, and of one that was told to stop."""
_MARK = "SPINESEG_FAULT_STUDY"
SUPPORT = str(ROOT / "tests" / "support")
PATHS = f"{SUPPORT}:{ENVIRONMENT['PYTHONPATH']}"


@dataclass(frozen=True)
class FaultStudy:
    """A study in a folder of its own."""

    path: Path  # Its config.
    slots: int = 1

    keeps_all: ClassVar[bool] = True  # No epoch that is on record is ever trained again.

    @property
    def config(self) -> StudyConfig:
        return load_study(self.path)

    @property
    def places(self) -> StudyPlaces:
        config = self.config
        return StudyPlaces(config.store.root, config.name)

    @property
    def said(self) -> str:
        """What its last driver said."""
        return (self.path.parent / "said.log").read_text(errors="replace")

    def processes(self) -> list[psutil.Process]:
        """Return what is alive of it besides its driver: server, children, their workers."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if is_alive(process) and process.environ().get(_MARK) == str(self.path):
                    found.append(process)
        return found

    def children(self) -> list[psutil.Process]:
        """Return the trainings at work: those that hold their run's lock."""
        locks = sorted(self.places.folder.glob(f"[0-9]*/{LOCK_FILE}"))
        return [process for lock in locks if (process := holder(lock))]

    def run_of(self, child: psutil.Process) -> Path:
        """Return the folder of the run that a training is at."""
        held = [Path(file.path) for file in child.open_files() if file.path.endswith("/lock")]
        return held[0].parent if held else self.path

    def may_end(self, code: int) -> bool:
        """Return whether a driver may end so, of those that are killed and told to stop."""
        return code in (DONE, STOPPED, -signal.SIGTERM)  # Told before it listened.


Writes = Callable[..., FaultStudy]
"""The fixture `written`: `write_fault_study`, in a folder that it names."""


def write_fault_study(
    folder: Path,
    stores: Path,
    *,
    seed: int = 0,
    slots: int = 1,
    manner: Manner = Manner(),  # noqa: B008
    text: str = STUDY,
    mlflow_uri: str | None = None,
    **sizes: int,
) -> FaultStudy:
    """Write a study with its export and empty stores; one of the same `seed` is the same.

    `sizes` are its epochs and searched trials, where not drawn from the seed.
    """
    root = folder / "mlruns"
    root.mkdir(parents=True)
    for store in ("optuna.db",) if mlflow_uri else ("mlflow.db", "optuna.db"):
        shutil.copy(stores / store, root / store)
    export = write_export(folder / "export", {"train": 3, "valid": 2}, seed=seed)
    dice = random.Random(seed)
    drawn = {"epochs": dice.randint(3, 5), "trials": dice.randint(4, 6), "seed": seed} | sizes
    written = text.format(export=export, root=root, **drawn)
    if slots > 1:
        written = written.replace("device: cpu", f"device: cpu, trials_per_device: {slots}")
    if mlflow_uri:
        written = written.replace(f"root: {root}", f"root: {root}, mlflow_uri: '{mlflow_uri}'")
    path = folder / "study.yaml"
    path.write_text(written)
    study = FaultStudy(path, slots)
    behave(study.places.trainer, manner)
    return study


def drive(path: Path) -> int:
    """Run a study on fake trainings, or go on with it; return a driver's exit code."""
    from spineseg.errors import SpinesegError
    from study import driver

    config = load_study(path)
    try:
        ended = driver.run_study(config, path, fakes(config))
    except SpinesegError as error:
        print(f"spineseg: {error}", file=sys.stderr, flush=True)
        return 2
    return DONE if ended else STOPPED


def command(path: Path) -> None:
    """Be the command `spineseg run`, whose trainings are fake."""
    from study import cli, driver

    run = driver.run_study
    driver.run_study = lambda config, where: run(config, where, fakes(config))
    sys.argv = ["spineseg", "run", str(path)]
    cli.main()


def fakes(config: StudyConfig) -> Any:
    """Return the executor that a config asks for, whose children are fake trainings."""
    from spineseg.training.executors.chosen import chosen_executor

    # Children import their parent's main module: this one's would cost each of them seconds.
    sys.modules["__main__"] = types.ModuleType("__main__")
    return chosen_executor(config, StudyPlaces(config.store.root, config.name), trainer=TRAINER)


class Driver:
    """A driver at work, or over."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.code: int | None = None  # How it ended: exit code, or minus the signal's number.

    def poll(self) -> int | None:
        """Return how it ended; None while it has not."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def wait(self, seconds: float) -> int:
        """Return how it ended. Raises TimeoutError where it has not in time."""
        until = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > until:
                raise TimeoutError(f"the driver is at work after {seconds:.0f} s more")
            time.sleep(0.02)
        assert self.code is not None
        return self.code

    def signal(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send it a signal, unless it is over."""
        if self.poll() is None:
            os.kill(self.pid, number)


def _environment(study: FaultStudy) -> dict[str, str]:
    return ENVIRONMENT | {"PYTHONPATH": PATHS, _MARK: str(study.path), "MPLBACKEND": "Agg"}


def forked(study: FaultStudy, work: Callable[[], int] | None = None) -> Driver:
    """Fork a driver of the study, or one that does `work`; call only where no thread is."""
    pid = os.fork()
    if pid:
        return Driver(pid)
    code = 1
    try:
        os.setsid()
        # A shell's background job ignores it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.environ.update(_environment(study))
        _forget_the_server()
        out = os.open(study.path.parent / "said.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        code = (work or (lambda: drive(study.path)))()
    except KeyboardInterrupt:
        code = STOPPED
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            # As an interpreter that ends does: the server of the children ends with its driver.
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _forget_the_server() -> None:
    """Let a fork start a server of children of its own: that of its parent is no child of it."""
    server = forkserver._forkserver
    server._forkserver_pid = server._forkserver_fd = server._forkserver_alive_fd = None
    server._forkserver_address = None


def begun(study: FaultStudy, terminal: str | None = None) -> Driver:
    """Start `spineseg run` of the study, what it says in a file, or on a terminal."""
    said = terminal or str(study.path.parent / "said.log")
    flags = os.O_RDWR if terminal else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-u", __file__, str(study.path)],
        _environment(study),
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, said, flags, 0o644), (os.POSIX_SPAWN_DUP2, 1, 2)],
        setsid=True,
        setsigdef=[signal.SIGINT],  # A shell's background job ignores it.
    )
    return Driver(pid)


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process is there, and not only its number."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def until(what: Callable[[], object], seconds: float = 60, driver: Driver | None = None) -> None:
    """Wait until something is so. Raises AssertionError where it is not in time, or never will."""
    end = time.monotonic() + seconds
    while not what():
        assert driver is None or driver.poll() is None, (
            f"the driver ended: {driver and driver.code}"
        )
        assert time.monotonic() < end, f"not so after {seconds:.0f} s"
        time.sleep(0.05)


if __name__ == "__main__":
    command(Path(sys.argv[1]))
