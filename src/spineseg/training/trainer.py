"""Ultralytics' segmentation trainer, made to speak through callbacks and to stop when told."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import ultralytics.engine.trainer as engine
from ultralytics.models.yolo.segment import SegmentationTrainer, SegmentationValidator
from ultralytics.utils.torch_utils import strip_optimizer

from spineseg.prediction.network_file import load_network

RESUME_FILE = "resume.pt"
_METRIC_NAMES = {
    "precision": "precision",
    "recall": "recall",
    "mAP50": "map50",
    "mAP50-95": "map50_95",
}
_KINDS = {"B": "box", "M": "mask"}


class StopRequested(Exception):
    """Training was asked to stop; the weights of the last whole epoch are on disk."""


class NanLoss(Exception):
    """The loss is no longer a number."""


class QuietTraining(SegmentationTrainer):
    """Trains; leaves the final validation to `validate_weights`, so that it can be repeated."""

    validation_seconds = 0.0

    def setup_model(self) -> Any:
        """Start from the weights of a file, of which nothing runs; else as ever.

        A run that is taken up again starts from its own `resume.pt`, which Ultralytics loads in
        full: that file is the run's own record, written by this trainer. Whoever goes on with a
        run's folder that a stranger made runs what the stranger put there.
        """
        start = self.args.pretrained
        if self.resume or not isinstance(start, (str, Path)):
            return super().setup_model()
        network = load_network(Path(start))
        self.model: Any = self.get_model(cfg=self.model, weights=network, verbose=True)
        return None

    def validate(self) -> tuple[Any, Any]:
        """Validate as ever, and note how long it took."""
        start = time.perf_counter()
        scores = super().validate()
        self.validation_seconds = time.perf_counter() - start
        return scores

    def final_eval(self) -> None:
        """Do nothing: the best weights are validated once training has ended, however it did."""


def _check_amp(model: torch.nn.Module) -> bool:
    """Ultralytics' check of mixed precision, which needs a download, passed without internet."""
    try:
        return bool(_ultralytics_check_amp(model))
    except OSError:
        return True


_ultralytics_check_amp = engine.check_amp
engine.check_amp = _check_amp


def train(
    settings: dict[str, Any],
    *,
    on_start: Callable[[QuietTraining], None],
    on_epoch: Callable[[QuietTraining, dict[str, float]], None],
    stop_asked: Callable[[], bool],
) -> QuietTraining:
    """Train with Ultralytics `settings` and return the trainer, its weights on disk.

    `on_epoch` gets each finished epoch's metrics under this project's names. `stop_asked` is
    looked at after every batch. Raises StopRequested, NanLoss, and whatever the trainer raises;
    out of memory is raised at once rather than met with a smaller batch, since a run of another
    batch size is not the run that was asked for.
    """
    trainer = QuietTraining(overrides=settings)

    def no_smaller_batch(trainer: QuietTraining) -> None:
        trainer._oom_retries = 3  # As if every retry were used up.

    def look_for_stop(trainer: QuietTraining) -> None:
        if stop_asked():
            raise StopRequested

    def keep_resumable(trainer: QuietTraining) -> None:
        part = trainer.wdir / (RESUME_FILE + ".part")
        shutil.copyfile(trainer.last, part)
        part.replace(trainer.wdir / RESUME_FILE)  # last.pt itself is not written atomically.

    def epoch_is_over(trainer: QuietTraining) -> None:
        losses = trainer.label_loss_items(trainer.tloss, prefix="train")
        if not all(math.isfinite(float(value)) for value in losses.values()):
            raise NanLoss(f"the training loss is not a number after epoch {trainer.epoch + 1}")
        values = {**losses, **trainer.metrics, **trainer.lr}
        on_epoch(trainer, {project_name(k): float(v) for k, v in values.items()})

    trainer.add_callback("on_train_start", on_start)
    trainer.add_callback("on_train_epoch_start", no_smaller_batch)
    trainer.add_callback("on_train_batch_end", look_for_stop)
    trainer.add_callback("on_model_save", keep_resumable)
    trainer.add_callback("on_fit_epoch_end", epoch_is_over)
    trainer.train()
    return trainer


def project_name(key: str) -> str:
    """Return this project's name of a metric: `metrics/mAP50(M)` -> `valid/mask_map50`."""
    if key.startswith("val/"):
        return "valid/" + key.removeprefix("val/")
    if not key.startswith("metrics/"):
        return key
    stem, kind = key.removeprefix("metrics/").rstrip(")").split("(")
    return f"valid/{_KINDS[kind]}_{_METRIC_NAMES[stem]}"


def validate_weights(weights: Path, settings: dict[str, Any], folder: Path) -> dict[str, float]:
    """Return the trainer's own validation scores of `weights`; leave its pictures in `folder`.

    Optimizer state is dropped from the file first.
    """
    strip_optimizer(str(weights))
    validator = SegmentationValidator(
        save_dir=folder,
        args={
            "model": str(weights),
            "data": settings["data"],
            "imgsz": settings["imgsz"],
            "batch": settings["batch"],
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
    scores = validator(model=str(weights))
    return {
        project_name(key).replace("valid/", "trainer/"): float(value)
        for key, value in scores.items()
        if key.startswith("metrics/")
    }
