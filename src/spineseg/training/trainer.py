"""Ultralytics' segmentation trainer, made to speak through callbacks and to stop when told."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import ultralytics.engine.trainer as engine
from ultralytics.models.yolo.segment import SegmentationTrainer, SegmentationValidator

from spineseg.files import sync
from spineseg.prediction.network_file import load_network
from spineseg.training.resume import (
    RESUME_FILE,
    Saved,
    restore,
    restore_gradients,
    save,
    saved,
)
from spineseg.training.seeded import EpochOrder, seed_all, seeded_loader
from spineseg.training.stripped import strip

_METRIC_NAMES = {
    "precision": "precision",
    "recall": "recall",
    "mAP50": "map50",
    "mAP50-95": "map50_95",
}
_KINDS = {"B": "box", "M": "mask"}
_MOST_TRIES = 3  # As Ultralytics.


class StopRequested(Exception):
    """Training was asked to stop; the weights of the last whole epoch are on disk."""


class NanLoss(Exception):
    """The loss is no longer a number."""


class QuietTraining(SegmentationTrainer):
    """Trains, and can be taken up again exactly; leaves the final validation to others.

    An epoch hangs on the state after the one before and on nothing else: order and augmentation
    come from `seeded`, and when the optimiser steps is counted here, since Ultralytics' own count
    is lost with the process.
    """

    accumulate: int
    validation_seconds = 0.0
    last_step = -1  # The batch, counted over all epochs, after which the optimiser stepped last.

    def __init__(self, overrides: dict[str, Any], run: str, saved: Saved | None) -> None:
        """Prepare to train the run of a job's id from its beginning, or from what was saved."""
        super().__init__(overrides=overrides)
        self._run = run
        self._saved = saved
        self._order: EpochOrder
        self._next_pass = -1  # What the loader would give next: none before it is asked.
        if saved is not None:
            self.csv.write_text(saved.results, encoding="utf-8")

    def keep(self, said: dict[str, Any]) -> None:
        """Write down the state after an epoch, `said` being its event: from here it can go on."""
        for weights in (self.best, self.last):
            sync(weights)  # Before it is said that nothing needs to write them again.
        save(self, self.wdir / RESUME_FILE, self._run, said)

    def setup_model(self) -> Any:
        """Start from the weights of a file, of which nothing runs; else as ever."""
        start = self.args.pretrained
        if not isinstance(start, (str, Path)):
            return super().setup_model()
        network = load_network(Path(start))
        self.model: Any = self.get_model(cfg=self.model, weights=network, verbose=True)
        return None

    def resume_training(self, ckpt: Any) -> None:
        """Bring a training that is taken up again to where it was."""
        super().resume_training(ckpt)
        if self._saved is not None:
            restore(self, self._saved.state)
            self.start_epoch = self._saved.epoch

    def get_dataloader(
        self, dataset_path: str, batch_size: int = 16, rank: int = 0, mode: str = "train"
    ) -> Any:
        """Load films for validation as ever, for training as `seeded` says."""
        if mode != "train":
            return super().get_dataloader(dataset_path, batch_size, rank, mode)
        loader, self._order = seeded_loader(
            self.build_dataset(dataset_path, mode, batch_size),
            self.args.seed,
            batch=batch_size,
            workers=self.args.workers,
            device=self.device,
        )
        return loader

    def _build_train_pipeline(self) -> None:
        super()._build_train_pipeline()
        self._accumulate = self.accumulate
        self.accumulate = 1  # So `optimizer_step` is called after each batch, and counts itself.

    @property
    def _pass(self) -> int:
        """The pass over the films by which the epoch at hand draws; a further try, another one."""
        return self.epoch + self.nan_recovery_attempts * self.epochs

    def begin_epoch(self) -> None:
        """Let an epoch hang on nothing but the state after the one before."""
        self._oom_retries = 3  # As if every retry with a smaller batch were used up.
        seed_all(self.args.seed, self._pass)
        if self._next_pass != self._pass:
            self._order.next_pass = self._pass
            self.train_loader.reset()
        self._next_pass = self._pass + 1
        self._batch = self.epoch * len(self.train_loader)
        if self._saved is not None:
            restore_gradients(self, self._saved.state)
            self._saved = None

    def _close_dataloader_mosaic(self) -> None:
        super()._close_dataloader_mosaic()
        self._order.next_pass = self._pass  # The loader is reset, and had fetched ahead.

    def optimizer_step(self) -> None:
        """Step once as many batches have come as Ultralytics would have waited for."""
        batch, self._batch = self._batch, self._batch + 1
        warmup = self._get_warmup_iterations(len(self.train_loader))
        accumulate = self._accumulate
        if batch <= warmup and warmup:
            accumulate = max(1, round(np.interp(batch, [0, warmup], [1, accumulate])))
        if batch - self.last_step >= accumulate:
            super().optimizer_step()
            self.last_step = batch

    def _handle_nan_recovery(self, epoch: int) -> bool:
        """Go back to the last whole epoch where loss or fitness is no number; return whether.

        Ultralytics takes its own checkpoint, in half precision and loaded in full; this takes the
        state on file, and other dice. Raises NanLoss after three tries.
        """
        if math.isfinite(float(self.loss.detach())) and math.isfinite(float(self.fitness)):
            return False
        last = saved(self.wdir / RESUME_FILE, self._run) if epoch else None
        if last is None:
            return False  # The first epoch: its end is NanLoss.
        self.nan_recovery_attempts += 1
        if self.nan_recovery_attempts > _MOST_TRIES:
            raise NanLoss(f"the training loss was no number in {_MOST_TRIES} tries of an epoch")
        self._model_train()
        restore(self, last.state)
        self._saved = last
        self.scheduler.last_epoch = epoch - 1
        return True

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
    run: str,
    saved: Saved | None,
    *,
    on_start: Callable[[QuietTraining], None],
    on_epoch: Callable[[QuietTraining, dict[str, float]], None],
    stop_asked: Callable[[], bool],
    may_end_epoch: Callable[[QuietTraining], None],
) -> QuietTraining:
    """Train the run of a job's id with Ultralytics `settings`, its weights on disk at the end.

    Begins with what was `saved`, where that is given. `on_epoch` gets each finished epoch's metrics
    under this project's names. `stop_asked` is looked at after every batch, `may_end_epoch` called
    before an epoch leaves anything behind. Raises StopRequested, NanLoss, and whatever the trainer
    raises; out of memory is raised at once rather than met with a smaller batch, since a run of
    another batch size is not the run that was asked for.
    """
    trainer = QuietTraining(settings, run, saved)

    def look_for_stop(trainer: QuietTraining) -> None:
        if stop_asked():
            raise StopRequested

    def epoch_is_over(trainer: QuietTraining) -> None:
        losses = trainer.label_loss_items(trainer.tloss, prefix="train")
        if not all(math.isfinite(float(value)) for value in losses.values()):
            raise NanLoss(f"the training loss is not a number after epoch {trainer.epoch + 1}")
        values = {**losses, **trainer.metrics, **trainer.lr}
        on_epoch(trainer, {project_name(k): float(v) for k, v in values.items()})

    trainer.add_callback("on_train_start", on_start)
    trainer.add_callback("on_train_epoch_start", QuietTraining.begin_epoch)
    trainer.add_callback("on_train_batch_end", look_for_stop)
    trainer.add_callback("on_train_epoch_end", may_end_epoch)
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
    strip(weights)
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
