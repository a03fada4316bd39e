"""What Ultralytics' trainer is at, and goes on from: in full precision, taken up again exactly.

Ultralytics resumes from the averaged weights in half precision, without the network's own, without
accumulated gradients, and with other dice. Here everything that the next epoch hangs on is kept:
what is drawn at random hangs on seed and epoch alone (`seeded`), and the rest is here.
"""

from __future__ import annotations

from typing import Any

import torch
from ultralytics.utils.torch_utils import ModelEMA, unwrap_model

from spineseg.training.families.protocol import Facts

_STOPPER = ("best_fitness", "best_epoch", "possible_stop")


def state_of(trainer: Any) -> dict[str, Any]:
    """Return the state of Ultralytics' `trainer`, which counts its `last_step`, after an epoch."""
    network = unwrap_model(trainer.model)
    return {
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
    }


def facts_of(trainer: Any) -> Facts:
    """Return what Ultralytics' `trainer` trains with, once it is set up."""
    settings = {
        key: value
        for key, value in vars(trainer.args).items()
        if isinstance(value, (str, int, float, bool)) and key not in {"project", "name", "save_dir"}
    }
    group = trainer.optimizer.param_groups[-1]
    used = {
        "optimizer_used": type(trainer.optimizer).__name__,
        "lr0_used": float(group.get("initial_lr", group["lr"])),
        "batch": int(trainer.batch_size),
        "amp_used": bool(trainer.amp),
    }
    on_cuda = trainer.device.type == "cuda"
    return Facts(
        settings | used,
        parameters=sum(weights.numel() for weights in trainer.model.parameters()),
        device=str(trainer.device.index or 0) if on_cuda else "cpu",
        device_name=torch.cuda.get_device_name(trainer.device) if on_cuda else "CPU",
    )


def _plain(value: Any) -> Any:
    """Return a number of NumPy's as one of Python's: a file of data alone holds no other."""
    return value.item() if hasattr(value, "item") else value


def restore(trainer: Any, state: dict[str, Any]) -> None:
    """Bring networks, optimiser and all that counts epochs to what `state_of` gave of them."""
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
