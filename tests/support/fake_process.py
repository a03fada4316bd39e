"""The fake trainer as a real process: what a launcher starts in place of the child that trains.

`Launcher(cache, trainer=TRAINER)`, with tests/support on PYTHONPATH. How it behaves, `fake.json`
in the cache's folder says.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

from fake_trainer import FakeLauncher

from spineseg.config.training import TrainConfig
from spineseg.events import Epoch, Started, append_event, read_events
from spineseg.files import locked
from spineseg.job import Job
from spineseg.places import LOCK_FILE
from spineseg.training.control import is_judged, stop_asked, wait_until_judged
from spineseg.training.orders import Orders

TRAINER = "fake_process:run_job"


def noisy(config: TrainConfig) -> float:
    """Return a score that each configuration has for itself."""
    return 0.2 + 0.6 * random.Random(config.model_dump_json()).random()


def run_job(run_folder: Path, device: str, cache: Path, orders: Orders) -> None:
    """Stand in for a training: an epoch every `epoch_seconds`, a checkpoint, and its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    told = cache / "fake.json"
    how = json.loads(told.read_text()) if told.exists() else {}
    job = Job.read(run_folder)
    with locked(run_folder / LOCK_FILE) as alone:
        if alone:
            _train(run_folder, job, orders, float(how.get("epoch_seconds", 0.02)))


def _train(folder: Path, job: Job, orders: Orders, epoch_seconds: float) -> None:
    weights = folder / "train" / "weights"
    weights.mkdir(parents=True, exist_ok=True)
    checkpoint = weights / "resume.pt"
    done = int(checkpoint.read_text()) if checkpoint.exists() else 0
    reported = sum(isinstance(event, Epoch) for event in read_events(folder, job.id))
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
    final, outcome = noisy(job.config), "completed"
    for epoch in range(done + 1, job.config.epochs + 1):
        if job.kind == "search" and epoch > 1:
            if not is_judged(folder, epoch - 1) and not wait_until_judged(folder, epoch - 1):
                raise SystemExit(0)
            if stop_asked(folder, epoch - 1):
                outcome = "pruned"
                break
        time.sleep(epoch_seconds)
        value = final * epoch / job.config.epochs
        metrics = {
            f"valid/{kind}_{m}": value for kind in ("box", "mask") for m in ("map50", "map50_95")
        }
        part = checkpoint.with_suffix(".part")
        part.write_text(str(epoch))
        part.replace(checkpoint)
        if epoch > reported or done:
            append_event(
                folder,
                Epoch(
                    run=job.id,
                    epoch=epoch,
                    metrics=metrics,
                    epoch_seconds=epoch_seconds,
                    validation_seconds=epoch_seconds / 5,
                ),
            )
    FakeLauncher()._finish(folder, job, final, outcome)
    checkpoint.unlink(missing_ok=True)
