"""The fake trainer, which writes down what it was given to train on."""

from __future__ import annotations

from pathlib import Path

import fake_process

from spineseg.training.orders import Orders


def run_job(run_folder: Path, device: str, cache: Path, orders: Orders) -> None:
    """Note the device in the run's folder, and stand in for a training."""
    told = f"{device}, {orders.cores} cores, {orders.neighbours} at a time"
    (run_folder / "device.txt").write_text(told)
    fake_process.run_job(run_folder, device, cache, orders)
