"""Ultralytics' own scores, by this project's names: of an epoch, and of the best weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spineseg.training.drawing import Drawing
from spineseg.training.yolo.plots import PlottedValidator
from spineseg.training.yolo.stripped import strip

_METRIC_NAMES = {
    "precision": "precision",
    "recall": "recall",
    "mAP50": "map50",
    "mAP50-95": "map50_95",
}
_KINDS = {"B": "box", "M": "mask"}


def project_name(key: str) -> str:
    """Return this project's name of a metric: `metrics/mAP50(M)` -> `valid/mask_map50`."""
    if key.startswith("val/"):
        return "valid/" + key.removeprefix("val/")
    if not key.startswith("metrics/"):
        return key
    stem, kind = key.removeprefix("metrics/").rstrip(")").split("(")
    return f"valid/{_KINDS[kind]}_{_METRIC_NAMES[stem]}"


def validate_weights(
    weights: Path,
    settings: dict[str, Any],
    folder: Path,
    split: int = 1,
    drawing: Drawing | None = None,
) -> dict[str, float]:
    """Return the trainer's own validation scores of `weights`; leave its pictures in `folder`.

    Its curves are drawn meanwhile, by `drawing` where that is given.

    Optimizer state is dropped from the file first.
    """
    strip(weights)
    validator = PlottedValidator(
        save_dir=folder,
        args={
            "model": str(weights),
            "data": settings["data"],
            "imgsz": settings["imgsz"],
            "batch": max(1, settings["batch"] // split),
            "device": settings["device"],
            "workers": settings["workers"],
            "plots": True,
            "task": "segment",
            "mode": "val",
            "split": "val",
            "project": str(folder.parent),
            "name": folder.name,
            "exist_ok": True,
            "verbose": False,
        },
    )
    validator.drawing = drawing
    scores = validator(model=str(weights))
    return {
        project_name(key).replace("valid/", "trainer/"): float(value)
        for key, value in scores.items()
        if key.startswith("metrics/")
    }
