"""One training by transformers' Trainer: its loop, with this project's order, record and end."""

from __future__ import annotations

import dataclasses
import json
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from spineseg.data.labelled import read_films
from spineseg.errors import WeightsError
from spineseg.files import sync
from spineseg.levels import CLASS_NAMES
from spineseg.prediction.built import named
from spineseg.prediction.network_file import load_network, write_built
from spineseg.training.control import RESUME_FILE
from spineseg.training.families.protocol import Asked, Facts, Hooks, NanLoss, StopRequested
from spineseg.training.film_cache import film_cache
from spineseg.training.looped.films import Batches, TrainingFilms, loader
from spineseg.training.looped.learner import Learner
from spineseg.training.looped.optimizer import count, optimizer_of, schedule_of
from spineseg.training.looped.validation import validated
from spineseg.training.pending import BEST, LAST, pending, settle
from spineseg.training.published import HEADS
from spineseg.training.saved import Saved, save
from spineseg.training.seeded import EpochOrder, seed_all

SUFFIX = ".safetensors"


class LoopedTraining:
    """One training of a network that brings a loss and no trainer; see `Training`.

    An epoch hangs on the state after the one before and on nothing else.
    """

    validation_seconds = 0.0
    epoch_time = 0.0

    def __init__(self, asked: Asked, make: Callable[[], Learner], saved: Saved | None) -> None:
        """Set up the training of a job, from its beginning or from what was saved.

        `make` gives the network with its loss, with weights drawn at random or read.
        """
        job, config = asked.job, asked.job.config
        self._asked, self._saved = asked, saved
        self.epoch = saved.epoch if saved else 0
        self._best = dict(saved.state["best"]) if saved else {"fitness": -math.inf, "epoch": 0}
        if config.deterministic:
            torch.use_deterministic_algorithms(True, warn_only=True)
            torch.backends.cudnn.deterministic = True
        seed_all(config.seed)
        self.learner = make()
        films = read_films(job.dataset, "train")
        films = films[: max(1, round(len(films) * job.fraction))]
        keep = film_cache(job, asked.orders.neighbours) == "ram"
        self._films = TrainingFilms(films, config, keep=keep)
        if self._films.lost:
            print(
                f"{self._films.lost} labelled bodies are smaller than a pixel at "
                f"{config.image_size_px} px, and are not learnt from",
                flush=True,
            )
        self._valid = read_films(job.dataset, "valid")
        self._order = EpochOrder(len(films), config.seed)
        least = self.learner.least_films
        self._split = max(1, min(asked.orders.split, config.batch // least))
        self._batches = Batches(self._order, config.batch, self._split, least)
        gathered = max(round(config.nominal_batch / config.batch), 1) * self._split
        self._gathered = min(gathered, len(self._batches))
        self._amp = config.amp and asked.device != "cpu"

    def train(self, hooks: Hooks) -> None:
        """Train to the end, as `Trainings.train` says."""
        asked, config = self._asked, self._asked.job.config
        self._optimizer = optimizer_of(self.learner, config)
        updates = math.ceil(len(self._batches) / self._gathered)
        self._schedule = schedule_of(self._optimizer, config, updates)
        with tempfile.TemporaryDirectory(prefix="spineseg-") as folder:
            self._trainer = _Loop(
                model=self.learner,
                args=TrainingArguments(
                    output_dir=folder,
                    use_cpu=asked.device == "cpu",
                    num_train_epochs=config.epochs,
                    gradient_accumulation_steps=self._gathered,
                    max_grad_norm=config.clip_gradient,
                    fp16=self._amp,
                    seed=config.seed,
                    save_strategy="no",
                    eval_strategy="no",
                    logging_strategy="no",
                    logging_nan_inf_filter=False,
                    report_to=[],
                    disable_tqdm=True,
                    remove_unused_columns=False,
                ),
                optimizers=(self._optimizer, self._schedule),
                callbacks=[_Turns(self, hooks)],
                loads=lambda: loader(self._films, self._batches, self._workers),
            )
            self._trainer.remove_callback(transformers.PrinterCallback)
            self._trainer.train(resume_from_checkpoint=self._laid_out(Path(folder)))

    @property
    def _workers(self) -> int:
        return 0 if self._asked.device == "cpu" else min(8, self._asked.orders.share_of_cores())

    def _laid_out(self, folder: Path) -> str | None:
        """Lay what was saved out as transformers reads it; return where, None for nothing."""
        if self._saved is None:
            return None
        state, place = self._saved.state, folder / "saved"
        place.mkdir()
        torch.save(state["learner"], place / "pytorch_model.bin")
        torch.save(state["optimizer"], place / "optimizer.pt")
        torch.save(state["scheduler"], place / "scheduler.pt")
        if state["scaler"] is not None:
            torch.save(state["scaler"], place / "scaler.pt")
        (place / "trainer_state.json").write_text(state["trainer"])
        return str(place)

    def keep(self, said: dict[str, Any]) -> None:
        """Write down the state after an epoch, `said` being its event: from here it can go on."""
        trainer, epoch = self._trainer, self.epoch + 1
        scaler = trainer.accelerator.scaler
        state = {
            "learner": self.learner.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "scheduler": self._schedule.state_dict(),
            "scaler": scaler.state_dict() if scaler is not None else None,
            "trainer": json.dumps(dataclasses.asdict(trainer.state)),
            "best": self._best,
        }
        for weights in self._asked.weights.glob(f"*.epoch-{epoch}.part"):
            sync(weights)  # Before it is said that nothing needs to write them again.
        kept = Saved(epoch, self.is_over, said, "", state)
        save(kept, self._asked.weights / RESUME_FILE, self._asked.job.id)
        settle(self._asked.weights, epoch)

    @property
    def is_over(self) -> bool:
        """Whether it ends of itself after this epoch: it has gained nothing for too long."""
        patience = self._asked.job.config.patience_epochs
        return bool(patience) and self.epoch + 1 - self._best["epoch"] >= patience

    def begin_epoch(self, epoch: int) -> None:
        """Let an epoch hang on nothing but the state after the one before."""
        self.epoch, self._began = epoch, time.perf_counter()
        seed_all(self._asked.job.config.seed, epoch)
        self._order.next_pass = epoch
        self.learner.mean_losses()  # Of an epoch that was not ended, none is left.

    def end_epoch(self) -> dict[str, float]:
        """Judge the network, write its weights aside, and return the epoch's figures."""
        losses = {f"train/{name}": value for name, value in self.learner.mean_losses().items()}
        start = time.perf_counter()
        scores = validated(self.network_now(), self._valid, self._asked)
        self.validation_seconds = time.perf_counter() - start
        self._write_weights(scores["valid/box_map50_95"] + scores["valid/mask_map50_95"])
        self.epoch_time = time.perf_counter() - self._began
        rate = self._schedule.get_last_lr()[0]
        return {**losses, **scores, "lr/pg0": float(rate)}

    def _write_weights(self, fitness: float) -> None:
        names = [LAST]
        if fitness >= self._best["fitness"]:
            self._best = {"fitness": fitness, "epoch": self.epoch + 1}
            names.append(BEST)
        self._asked.weights.mkdir(parents=True, exist_ok=True)
        for name in names:
            place = pending(self._asked.weights / f"{name}{SUFFIX}", self.epoch + 1)
            try:
                write_built(self.learner.network, place, self._asked.job.config.image_size_px)
            except WeightsError as error:
                raise NanLoss(f"after epoch {self.epoch + 1}: {error}") from None

    def network_now(self) -> Any:
        """Return the network itself: it is judged as it is, and trained on afterwards."""
        return self.learner.network

    def facts(self) -> Facts:
        """Return what it trains with."""
        config, on_cuda = self._asked.job.config, self._asked.device != "cpu"
        settings = config.model_dump() | {
            "optimizer_used": type(self._optimizer).__name__,
            "lr0_used": config.lr0,
            "amp_used": self._amp,
            "workers": self._workers,
            "batches_an_update": self._gathered // self._split,
            "trained_parameters": count(w for w in self.learner.parameters() if w.requires_grad),
        }
        return Facts(
            settings,
            parameters=count(self.learner.network.parameters()),
            device=self._asked.device,
            device_name=torch.cuda.get_device_name() if on_cuda else "CPU",
        )


class _Loop(transformers.Trainer):
    """transformers' Trainer with films that are loaded here."""

    def __init__(self, *given: Any, loads: Callable[[], Any], **named: Any) -> None:
        super().__init__(*given, **named)
        self._loads = loads

    def get_train_dataloader(self) -> Any:
        """Return what gives the batches of an epoch, in parts where they are split."""
        return self._loads()


class _Turns(TrainerCallback):
    """Tells a training's turns to whoever drives it."""

    def __init__(self, training: LoopedTraining, hooks: Hooks) -> None:
        self._training, self._hooks = training, hooks

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self._hooks.on_start(self._training)

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._training.begin_epoch(round(state.epoch or 0))

    def _look(self) -> None:
        if self._hooks.stop_asked():
            raise StopRequested

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self._look()

    def on_substep_end(self, *_: Any, **__: Any) -> None:
        self._look()

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._hooks.may_end_epoch(self._training)
        self._hooks.on_epoch(self._training, self._training.end_epoch())
        if self._training.is_over:
            control.should_training_stop = True


def own_scores(asked: Asked, best: Path) -> dict[str, float]:
    """Return none: transformers' Trainer scores nothing by itself."""
    return {}


def stripped(weights: Path) -> None:
    """Leave a file of weights as it is: it holds nothing else."""


def starting_network(asked: Asked) -> Any:
    """Return the network that a job starts from: read from its weights, or drawn at random."""
    job = asked.job
    fresh = named(job.config.model, CLASS_NAMES)
    return fresh if job.weights is None else filled(fresh, job.weights, job.config.weights)


def filled(fresh: Any, weights: Path, how: str) -> Any:
    """Return a network with the weights of a file; of published ones (`coco`), not the heads."""
    tensors = load_network(weights).state_dict()
    if how == "coco":
        tensors |= {k: v for k, v in fresh.state_dict().items() if k.startswith(HEADS)}
    fresh.load_state_dict(tensors)
    return fresh
