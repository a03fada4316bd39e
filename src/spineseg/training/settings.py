"""TrainConfig in Ultralytics' own words, and the environment it is run in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..config import TrainConfig

_ULTRALYTICS_NAMES = {
    "image_size_px": "imgsz",
    "patience_epochs": "patience",
    "box_gain": "box",
    "cls_gain": "cls",
    "dfl_gain": "dfl",
    "class_weight_power": "cls_pw",
    "close_mosaic_epochs": "close_mosaic",
}
_NOT_PASSED = {"model", "weights"}  # The child turns these two into a network.


def ultralytics_settings(config: TrainConfig) -> dict[str, Any]:
    """Return `config` as keyword settings of Ultralytics' trainer, model and weights left out."""
    return {
        _ULTRALYTICS_NAMES.get(key, key): value
        for key, value in config.model_dump(exclude=_NOT_PASSED).items()
    }


def prepare_environment(cache: Path) -> None:
    """Set what Ultralytics and torch read from the environment; call before either is imported.

    `cache` becomes Ultralytics' private settings folder, so the user's own stays untouched.
    """
    cache.mkdir(parents=True, exist_ok=True)
    os.environ["YOLO_CONFIG_DIR"] = str(cache.resolve())
    os.environ.setdefault("YOLO_OFFLINE", "true")  # No probing of the internet at each start.
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"  # Looking must not initialise CUDA: we fork.
    os.environ.setdefault("MPLBACKEND", "Agg")
