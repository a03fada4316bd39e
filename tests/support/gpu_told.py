"""The fake trainer, which writes down the device that it was given."""

from __future__ import annotations

from pathlib import Path

import fake_process

from spineseg.training.orders import Orders


def run_job(run_folder: Path, device: str, cache: Path, orders: Orders) -> None:
    """Note the device in the run's folder, and stand in for a training."""
    (run_folder / "device.txt").write_text(device)
    fake_process.run_job(run_folder, device, cache, orders)
