"""A job for the tests, of a run that was never trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spineseg.config.training import TrainConfig
from spineseg.job import Job
from spineseg.prediction.numbering.model import NumberingModel


def made_up_job(**given: Any) -> Job:
    """Return the job of a baseline; `given` says what is to differ."""
    usual: dict[str, Any] = {
        "study": "small",
        "number": 0,
        "kind": "baseline",
        "name": "baseline",
        "arm": "baseline",
        "changes": {},
        "config": TrainConfig(image_size_px=64),
        "objective": "mask_map50_95",
        "data_fingerprint": "f" * 64,
        "synthetic": True,
        "dataset": Path("data"),
        "weights": None,
        "weights_sha256": None,
        "numbering": NumberingModel(),
        "code_version": "1",
    }
    return Job(**(usual | given))
