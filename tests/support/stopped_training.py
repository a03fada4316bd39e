"""A real training killed at random moments and taken up again, and what two trainings differ in."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

from run_folders import make_job

from spineseg.config.training import TrainConfig
from spineseg.data.manifest import Dataset
from spineseg.events import Epoch, Event, Finished, Started, read_events
from spineseg.files import is_locked
from spineseg.job import Job
from spineseg.places import LOCK_FILE
from spineseg.training.devices import CPU, Device
from spineseg.training.families.protocol import trainings_of
from spineseg.training.launcher import Launcher

# Every part of an epoch's state: two batches to a step, a mosaic that is closed, a warm-up.
CONFIG = TrainConfig(
    weights="bundled",
    image_size_px=64,
    batch=4,
    epochs=6,
    optimizer="AdamW",
    lr0=0.001,
    momentum=0.9,
    warmup_epochs=1.5,
    mixup=0.3,
    close_mosaic_epochs=2,
)


def write_job(folder: Path, dataset: Dataset, config: TrainConfig, weights: Path | None) -> None:
    """Write the job of a training on `dataset` into a run's folder."""
    make_job(
        config=config,
        dataset=dataset.folder.resolve(),
        data_fingerprint=dataset.fingerprint,
        weights=weights,
    ).write(folder)


def log(folder: Path) -> list[Event]:
    """Return the events of a run."""
    return read_events(folder, Job.read(folder).id)


def train(
    launcher: Launcher, folder: Path, kills: int = 0, seed: int = 0, device: Device = CPU
) -> list[int]:
    """Train what lies in `folder`, killed so many times; return the epochs that each left."""
    dice, left = random.Random(seed), []
    for _ in range(kills):
        start, attempts = time.monotonic(), len(_started(folder))
        child = launcher.start(folder, device)
        while child.is_alive() and len(_started(folder)) == attempts:
            time.sleep(0.01)  # To begin takes long and changes nothing; killed there, nothing does.
            if time.monotonic() - start > 120:
                raise AssertionError("it did not begin in time")
        further = _epochs(folder) + dice.randint(0, 1)
        while child.is_alive() and _epochs(folder) < further:
            time.sleep(0.01)
        end = time.monotonic() + dice.uniform(0, 1.2) * _epoch_seconds(folder)
        while child.is_alive() and time.monotonic() < end:
            time.sleep(0.005)
        if child.is_alive():
            os.kill(_started(folder)[-1].pid, signal.SIGKILL)
        while is_locked(folder / LOCK_FILE):
            time.sleep(0.01)
        left.append(_epochs(folder))
    child = launcher.start(folder, device)
    while child.is_alive():
        time.sleep(0.02)
    assert isinstance(log(folder)[-1], Finished), log(folder)[-1]
    return left


def _started(folder: Path) -> list[Started]:
    return [event for event in log(folder) if isinstance(event, Started)]


def _epochs(folder: Path) -> int:
    return max((event.epoch for event in log(folder) if isinstance(event, Epoch)), default=0)


def _epoch_seconds(folder: Path) -> float:
    known = [event.epoch_seconds for event in log(folder) if isinstance(event, Epoch)]
    return known[-1] if known else 1.0


def differences(one: Path, other: Path) -> dict[str, float]:
    """Return by how much two runs differ: each metric of each epoch, the end's, and the weights.

    Only what differs is told; weights by the greatest difference of any.
    """
    found: dict[str, float] = {}
    mine, theirs = _figures(one), _figures(other)
    for name in sorted(mine.keys() | theirs.keys()):
        if mine.get(name) != theirs.get(name):
            found[name] = abs(mine.get(name, float("nan")) - theirs.get(name, float("nan")))
    suffix = trainings_of(Job.read(one).config.family).SUFFIX
    for name in (f"best{suffix}", f"last{suffix}"):
        a, b = (_weights(folder / "train" / "weights" / name) for folder in (one, other))
        apart = max(float((a[key].double() - b[key].double()).abs().max()) for key in a)
        if apart:
            found[name] = apart
    return found


def _figures(folder: Path) -> dict[str, float]:
    figures = {}
    for event in log(folder):
        if isinstance(event, Epoch):
            figures |= {f"epoch {event.epoch} {k}": v for k, v in event.metrics.items()}
        if isinstance(event, Finished):
            figures |= {k: v for k, v in event.metrics.items() if "seconds" not in k}
            figures |= {"epochs": event.epochs, "best epoch": event.best_epoch}
    return figures


def _weights(path: Path) -> dict[str, Any]:
    from spineseg.prediction.network_file import load_network

    return dict(load_network(path).state_dict())
