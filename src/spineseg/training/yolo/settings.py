"""TrainConfig in Ultralytics' own words."""

from __future__ import annotations

from typing import Any

from spineseg.config.training import TrainConfig

_ULTRALYTICS_NAMES = {
    "image_size_px": "imgsz",
    "nominal_batch": "nbs",
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
