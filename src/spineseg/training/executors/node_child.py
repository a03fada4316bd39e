"""What a node's child runs: the same training as here, which ends with the process beside it.

On this machine a child outlives its driver, and the next one adopts it. On a node the actor stands
for the driver: when that is gone, nobody could ever end the child, or take what it says.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import threading
from pathlib import Path

from spineseg.training.launcher import TRAINER
from spineseg.training.orders import Orders

TRAINER_TOLD = "SPINESEG_NODE_TRAINER"
"""In the environment: what a child runs, as the launcher is told it elsewhere."""


def _preload(trainer: str) -> None:
    importlib.import_module(
        "spineseg.training.preload" if trainer == TRAINER else trainer.split(":")[0]
    )


if TRAINER_TOLD in os.environ:  # In the server process: its forks have it imported already.
    _preload(os.environ[TRAINER_TOLD])


def run_job(run_folder: Path, device: str, cache: Path, orders: Orders) -> None:
    """Train as the trainer that the environment names, until the process that started it ends."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    module, function = os.environ.get(TRAINER_TOLD, TRAINER).split(":")
    getattr(importlib.import_module(module), function)(run_folder, device, cache, orders)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)  # Its last whole epoch is on disk, as ever.
