"""A training's whole state after an epoch: written in full precision, taken up again exactly.

Ultralytics resumes from the averaged weights in half precision, without the network's own, without
accumulated gradients, and with other dice. Here everything that the next epoch hangs on is kept:
what is drawn at random hangs on seed and epoch alone (`seeded`), and the rest is in `resume.pt`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from ultralytics.utils.torch_utils import ModelEMA, unwrap_model

from spineseg.files import sync

_FORMAT = "spineseg training 1"
"""Raised with every change of what is kept: a file of another version is not taken."""
_STOPPER = ("best_fitness", "best_epoch", "possible_stop")


@dataclass(frozen=True)
class Saved:
    """A training as it was after its last whole epoch."""

    epoch: int  # How many epochs it had trained.
    over: bool  # Whether it had ended of itself, by its patience.
    said: dict[str, Any]  # The epoch's event, which may not have come into the log.
    results: str  # Ultralytics' own table of the epochs.
    state: dict[str, Any]  # Networks, optimiser, scaler, gradients: for `restore`.


def save(trainer: Any, path: Path, run: str, said: dict[str, Any]) -> None:
    """Write the state of a training after an epoch, whole or not at all.

    `trainer` is Ultralytics', with `last_step`; `run` is the id of its job, `said` the epoch's
    event. What the file holds is data: numbers, texts, tensors.
    """
    network = unwrap_model(trainer.model)
    content = {
        "format": _FORMAT,
        "run": run,
        "epoch": trainer.epoch + 1,
        "over": bool(trainer.stop),
        "said": said,
        "results": trainer.csv.read_text(encoding="utf-8"),
        "state": {
            "network": network.state_dict(),
            "averaged": trainer.ema.ema.state_dict(),
            "updates": trainer.ema.updates,
            "optimizer": trainer.optimizer.state_dict(),
            "scaler": trainer.scaler.state_dict(),
            "best_fitness": float(trainer.best_fitness),
            "stopper": {key: _plain(getattr(trainer.stopper, key)) for key in _STOPPER},
            "last_step": trainer.last_step,
            "gradients": {
                name: weights.grad
                for name, weights in network.named_parameters()
                if weights.grad is not None
            },
        },
    }
    part = path.with_name(path.name + ".part")
    torch.save(content, part)
    sync(part)
    part.replace(path)


def _plain(value: Any) -> Any:
    """Return a number of NumPy's as one of Python's: a file of data alone holds no other."""
    return value.item() if hasattr(value, "item") else value


def saved(path: Path, run: str) -> Saved | None:
    """Return what `save` wrote for a run; None without a file.

    None as well, with a line that says why, for a file that is damaged, of another version, of
    another run, or that would run code (nothing of it is run): the training begins anew then.
    """
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if content["format"] != _FORMAT:
            raise ValueError("it is of another version")
        if content["run"] != run:
            raise ValueError("it is another run's")
        return Saved(*(content[key] for key in ("epoch", "over", "said", "results", "state")))
    except Exception as error:  # A damaged file can raise anything.
        why = str(error).strip().splitlines() or [""]
        print(
            f"{path.name} is not taken up ({type(error).__name__}: {why[0][:120]}): the training "
            "begins anew, from epoch 1",
            flush=True,
        )
        return None


def restore(trainer: Any, state: dict[str, Any]) -> None:
    """Bring networks, optimiser and all that counts epochs to what `save` kept of them."""
    network = unwrap_model(trainer.model)
    network.load_state_dict(state["network"])
    # Made anew: after a validation the old one holds tensors that no longer can be written to.
    trainer.ema = ModelEMA(trainer.model)
    trainer.ema.ema.load_state_dict(state["averaged"])
    trainer.ema.updates = state["updates"]
    groups = zip(state["optimizer"]["param_groups"], trainer.optimizer.param_groups, strict=True)
    for kept, group in groups:  # Which kernel steps is for the device of now to say.
        kept["fused"] = group.get("fused")
    trainer.optimizer.load_state_dict(state["optimizer"])
    trainer.scaler.load_state_dict(state["scaler"])
    trainer.best_fitness = state["best_fitness"]
    for key in _STOPPER:
        setattr(trainer.stopper, key, state["stopper"][key])
    trainer.last_step = state["last_step"]


def restore_gradients(trainer: Any, state: dict[str, Any]) -> None:
    """Put back the gradients of batches that no step was made with yet."""
    for name, weights in unwrap_model(trainer.model).named_parameters():
        kept = state["gradients"].get(name)
        weights.grad = None if kept is None else kept.to(weights.device)
