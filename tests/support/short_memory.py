"""The real trainer on a device of little memory: so many films at a time, or so many bytes more.

`Launcher(cache, trainer=...)`; `films-at-most` in the cache's folder says how many films go through
the network while it is trained, `no-more-memory` that the process gets none from then on.
"""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import psutil

import spineseg.training.preload  # noqa: F401
from spineseg.training import child
from spineseg.training.orders import Orders

TRAINER = "short_memory:run_job"


def run_job(run_folder: Path, device: str, cache: Path, orders: Orders) -> None:
    """Train as ever, as far as the memory does."""
    from torch import OutOfMemoryError
    from ultralytics.nn.tasks import SegmentationModel

    loss = SegmentationModel.loss
    most = cache / "films-at-most"
    at_most = int(most.read_text()) if most.exists() else 10**9
    no_more = (cache / "no-more-memory").exists()

    def watched(network: Any, batch: Any, *rest: Any) -> Any:
        if network.training and len(batch["img"]) > at_most:
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
        if no_more:
            now = psutil.Process().memory_info().vms
            resource.setrlimit(resource.RLIMIT_AS, (now, resource.RLIM_INFINITY))
        return loss(network, batch, *rest)

    SegmentationModel.loss = watched
    child.run_job(run_folder, device, cache, orders)
