"""The fake trainer as a real process: what a launcher starts in place of the child that trains.

`Launcher(cache, trainer=TRAINER)`, with tests/support on PYTHONPATH. How it behaves, `fake.json`
in the cache's folder says: a `Manner`, written by `behave`.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from fake_trainer import FakeLauncher

from spineseg.config.training import TrainConfig
from spineseg.events import (
    EVENTS_FILE,
    Epoch,
    Event,
    Failed,
    Finished,
    Started,
    append_event,
    read_events,
)
from spineseg.files import locked
from spineseg.job import Job
from spineseg.places import LOCK_FILE
from spineseg.training.control import NO_SPACE, is_judged, stop_asked, wait_until_judged
from spineseg.training.orders import Orders

TRAINER = "fake_process:run_job"
_LOSSES = [f"{part}/{loss}_loss" for part in ("train", "valid") for loss in ("box", "seg", "cls")]
_MORE = [*_LOSSES, "train/dfl_loss", "valid/dfl_loss", "lr/pg0", "lr/pg1", "lr/pg2"]


@dataclass(frozen=True)
class Manner:
    """How the fake trainings of a study behave."""

    epoch_seconds: float = 0.02
    baseline_seconds: float | None = None  # An epoch of the baseline, where it differs.
    workers: int = 0  # Forked processes beside each training, as data loaders have.
    at_once: bool = False  # All epochs in one write, without waiting for what the driver says.
    figures: bool = False  # 24 of them an epoch, as a real one has, in place of four.


def behave(cache: Path, manner: Manner) -> None:
    """Tell the fake trainings whose files go to `cache` how to behave."""
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "fake.json").write_text(json.dumps(asdict(manner)))


def noisy(config: TrainConfig) -> float:
    """Return a score that each configuration has for itself."""
    return 0.2 + 0.6 * random.Random(config.model_dump_json()).random()


def run_job(run_folder: Path, device: str, cache: Path, orders: Orders) -> None:
    """Stand in for a training: an epoch every so often, a checkpoint, and its end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    told = cache / "fake.json"
    manner = Manner(**json.loads(told.read_text())) if told.exists() else Manner()
    job = Job.read(run_folder)
    try:
        with locked(run_folder / LOCK_FILE) as alone, _helped_by(manner.workers) as workers:
            if alone and not _is_over(run_folder, job):
                _train(run_folder, job, orders, manner, workers)
    except OSError as error:
        if error.errno != NO_SPACE:
            raise
        raise SystemExit(NO_SPACE) from None  # As a real one: the run goes on later.


def _is_over(folder: Path, job: Job) -> bool:
    return any(isinstance(event, Finished | Failed) for event in read_events(folder, job.id))


@contextmanager
def _helped_by(count: int) -> Iterator[list[int]]:
    """Give the numbers of so many forked processes, which end with this one."""
    mine = os.getpid()
    workers = []
    for _ in range(count):
        worker = os.fork()
        if not worker:
            while os.getppid() == mine:
                time.sleep(1.0)  # A real one notices after some seconds, too.
            os._exit(0)
        workers.append(worker)
    try:
        yield workers
    finally:
        for worker in workers:
            if _is_there(worker):
                os.kill(worker, signal.SIGKILL)
                os.waitpid(worker, 0)


def _is_there(worker: int) -> bool:
    try:
        return os.waitpid(worker, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return False


def _train(folder: Path, job: Job, orders: Orders, manner: Manner, workers: list[int]) -> None:
    weights = folder / "train" / "weights"
    weights.mkdir(parents=True, exist_ok=True)
    checkpoint = weights / "resume.pt"
    done = int(checkpoint.read_text()) if checkpoint.exists() else 0
    reported = {e.epoch for e in read_events(folder, job.id) if isinstance(e, Epoch)}
    final, outcome, lines = noisy(job.config), "completed", []
    slow = manner.baseline_seconds if job.kind == "baseline" else None
    seconds = manner.epoch_seconds if slow is None else slow
    if done and done not in reported:  # Killed between the two, as a real one says it, too.
        append_event(folder, _epoch(job, done, final, manner))
    append_event(
        folder,
        Started(
            run=job.id,
            pid=os.getpid(),
            device="CPU",
            resumed_from_epoch=done,
            attempt=orders.attempt,
            split=orders.split,
            parameters=2_800_000,
            resolved={"batch": job.config.batch, "imgsz": job.config.image_size_px},
            environment={"processor": "none", "cores": "1"},
        ),
    )
    for epoch in range(done + 1, job.config.epochs + 1):
        if job.kind == "search" and epoch > 1 and not manner.at_once:
            if not is_judged(folder, epoch - 1) and not wait_until_judged(folder, epoch - 1):
                raise SystemExit(0)
            if stop_asked(folder, epoch - 1):
                outcome = "pruned"
                break
        time.sleep(seconds)
        if not all(map(_is_there, workers)):
            raise SystemExit("a data-loader worker was killed")
        event = _epoch(job, epoch, final, manner)
        if manner.at_once:
            lines.append(json.dumps(event.model_dump()) + "\n")
            continue
        part = checkpoint.with_suffix(".part")
        part.write_text(str(epoch))
        part.replace(checkpoint)
        append_event(folder, event)
    with (folder / EVENTS_FILE).open("a") as log:
        log.write("".join(lines))
    FakeLauncher()._finish(folder, job, final, outcome)
    checkpoint.unlink(missing_ok=True)


def _epoch(job: Job, epoch: int, final: float, manner: Manner) -> Event:
    value = final * epoch / job.config.epochs
    metrics = {
        f"valid/{kind}_{m}": value for kind in ("box", "mask") for m in ("map50", "map50_95")
    }
    system = {}
    if manner.figures:
        metrics |= {f"valid/{kind}_{m}": value for kind in ("box", "mask") for m in ("precision",
                    "recall")} | dict.fromkeys(_MORE, value)  # fmt: skip
        system = {f"system/{name}": value for name in ("cpu", "memory", "share", "process")}
    return Epoch(
        run=job.id,
        epoch=epoch,
        metrics=metrics,
        system=system,
        epoch_seconds=manner.epoch_seconds,
        validation_seconds=manner.epoch_seconds / 5,
    )
