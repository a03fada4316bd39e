"""Ultralytics' segmentation trainer, made to speak through callbacks and to stop when told."""

from __future__ import annotations

import copy
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import ultralytics.engine.trainer as engine
from ultralytics.data import build_dataloader
from ultralytics.utils.torch_utils import autocast

from spineseg.files import sync
from spineseg.prediction.network_file import load_network
from spineseg.training.control import RESUME_FILE
from spineseg.training.drawing import Drawing
from spineseg.training.families.protocol import Facts, Hooks, NanLoss, StopRequested
from spineseg.training.pending import pending, settle
from spineseg.training.saved import Saved, save, saved
from spineseg.training.seeded import EpochOrder, seed_all
from spineseg.training.yolo.films import seeded_loader
from spineseg.training.yolo.plots import PlottedTraining
from spineseg.training.yolo.split import parts, whole_part
from spineseg.training.yolo.state import facts_of, restore, restore_gradients, state_of
from spineseg.training.yolo.validation import project_name

_MOST_TRIES = 3  # As Ultralytics.


class QuietTraining(PlottedTraining):
    """Trains, and can be taken up again exactly; leaves the final validation to others.

    An epoch hangs on the state after the one before and on nothing else: order and augmentation
    come from `seeded`, and when the optimiser steps is counted here, since Ultralytics' own count
    is lost with the process.

    With a `split`, each batch goes through the network in so many parts, one after the other, and
    all else is as without: batches, steps, schedule, what is kept. The layers that normalise by a
    batch's own statistics see a part of it, and the loss weighs objects within a part.
    """

    accumulate: int
    last: Path
    best: Path
    validation_seconds = 0.0
    last_step = -1  # The batch, counted over all epochs, after which the optimiser stepped last.
    _loss_items: dict[str, Any] | None = None

    def __init__(
        self, overrides: dict[str, Any], run: str, saved: Saved | None, split: int = 1
    ) -> None:
        """Prepare to train the run of a job's id from its beginning, or from what was saved."""
        super().__init__(overrides=overrides)
        self._run = run
        self._saved = saved
        self._split = split
        self._whole: dict[str, Any] = {}  # The batch at hand, before it was split.
        self._ahead: list[tuple[int, dict[str, Any]]] = []  # Films and losses of its first parts.
        self._order: EpochOrder
        self._next_pass = -1  # What the loader would give next: none before it is asked.
        if saved is not None:
            self.csv.write_text(saved.results, encoding="utf-8")

    def keep(self, said: dict[str, Any]) -> None:
        """Write down the state after an epoch, `said` being its event: from here it can go on."""
        epoch = self.epoch + 1
        for weights in (pending(self.best, epoch), pending(self.last, epoch)):
            if weights.exists():  # The best may be of an earlier epoch.
                sync(weights)  # Before it is said that nothing needs to write them again.
        results = self.csv.read_text(encoding="utf-8")
        state = Saved(epoch, bool(self.stop), said, results, state_of(self))
        save(state, self.wdir / RESUME_FILE, self._run)
        settle(self.wdir, epoch)

    def facts(self) -> Facts:
        """Return what it trains with."""
        return facts_of(self)

    def network_now(self) -> Any:
        """Return a copy of the averaged network."""
        return copy.deepcopy(self.ema.ema)

    def save_model(self) -> bool:
        """Write the epoch's weights, as ever, but beside their place until the epoch is kept."""
        places = self.last, self.best
        self.last, self.best = (pending(place, self.epoch + 1) for place in places)
        try:
            return bool(super().save_model())
        finally:
            self.last, self.best = places

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
        films = self.build_dataset(dataset_path, mode, batch_size)
        if mode != "train":
            return build_dataloader(
                films,
                batch=whole_part(batch_size, self._split),
                workers=self.args.workers * 2,  # As Ultralytics.
                shuffle=False,
                device=self.device,
            )
        loader, self._order = seeded_loader(
            films,
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

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Prepare a batch as ever; of a split one, train all parts but the last, and return that.

        Ultralytics takes that for the batch, and adds its gradients to those of the others.
        """
        batch = super().preprocess_batch(batch)
        self._ahead = []
        if self._split == 1:
            return batch
        self._whole = batch
        *ahead, last = parts(batch, self._split, overlap_mask=self.args.overlap_mask)
        for part in ahead:
            loss, items = self.model(part)
            with autocast(False, device=self.device.type):  # What goes backward is cast by itself.
                self.scaler.scale(loss.sum()).backward()
            self._ahead.append((len(part["im_file"]), items))
        return last

    @property
    def loss_items(self) -> dict[str, Any] | None:
        """The losses of the batch at hand, by name: the mean over its films."""
        return self._loss_items

    @loss_items.setter
    def loss_items(self, items: dict[str, Any] | None) -> None:
        if items is not None and self._ahead:
            films = len(self._whole["im_file"])
            told = [*self._ahead, (films - sum(count for count, _ in self._ahead), items)]
            items = {key: sum(count * of[key] for count, of in told) / films for key in items}
        self._loss_items = items

    def plot_training_samples(self, batch: dict[str, Any], ni: int) -> None:
        """Draw the films of a batch, all of them where it was split."""
        super().plot_training_samples(batch if self._split == 1 else self._whole, ni)

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

    def get_validator(self) -> Any:
        """Return what validates an epoch, and draws nothing: the best weights are drawn there."""
        validator = super().get_validator()
        validator.args.plots = False
        return validator

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


def train_with(
    settings: dict[str, Any],
    run: str,
    saved: Saved | None,
    hooks: Hooks,
    *,
    split: int = 1,
    drawing: Drawing | None = None,
) -> QuietTraining:
    """Train the run of a job's id with Ultralytics `settings`, as `Trainings.train` says."""
    trainer = QuietTraining(settings, run, saved, split)
    trainer.drawing = drawing

    def look_for_stop(trainer: QuietTraining) -> None:
        if hooks.stop_asked():
            raise StopRequested

    def epoch_is_over(trainer: QuietTraining) -> None:
        losses = trainer.label_loss_items(trainer.tloss, prefix="train")
        if not all(math.isfinite(float(value)) for value in losses.values()):
            raise NanLoss(f"the training loss is not a number after epoch {trainer.epoch + 1}")
        values = {**losses, **trainer.metrics, **trainer.lr}
        hooks.on_epoch(trainer, {project_name(k): float(v) for k, v in values.items()})

    trainer.add_callback("on_train_start", hooks.on_start)
    trainer.add_callback("on_train_epoch_start", QuietTraining.begin_epoch)
    trainer.add_callback("on_train_batch_end", look_for_stop)
    trainer.add_callback("on_train_epoch_end", hooks.may_end_epoch)
    trainer.add_callback("on_fit_epoch_end", epoch_is_over)
    trainer.train()
    return trainer
