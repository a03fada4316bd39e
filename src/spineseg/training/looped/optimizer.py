"""Optimiser and schedule of a training, as the configuration names them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from spineseg.config.training import TrainConfig


def optimizer_of(network: nn.Module, config: TrainConfig) -> Optimizer:
    """Return the optimiser of what of a network is trained; norms and biases do not decay."""
    trained = [weights for weights in network.parameters() if weights.requires_grad]
    groups = [
        {"params": [w for w in trained if w.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [w for w in trained if w.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    kind, rate, momentum = config.optimizer, config.lr0, config.momentum
    if kind == "SGD":
        return torch.optim.SGD(groups, lr=rate, momentum=momentum, nesterov=momentum > 0)
    if kind == "RMSProp":
        return torch.optim.RMSprop(groups, lr=rate, momentum=momentum)
    made: Callable[..., Optimizer] = getattr(torch.optim, kind)
    return made(groups, lr=rate, betas=(momentum, 0.999))


def schedule_of(optimizer: Optimizer, config: TrainConfig, updates_an_epoch: int) -> LambdaLR:
    """Return the learning rate's course: a linear warm-up to lr0, then down to lrf of it."""
    whole = updates_an_epoch * config.epochs
    warmup = round(min(config.warmup_epochs, config.epochs - 1) * updates_an_epoch)

    def share(update: int) -> float:
        gone = min(update / max(whole, 1), 1.0)
        left = (1 + math.cos(math.pi * gone)) / 2 if config.cos_lr else 1 - gone
        return min(1.0, (update + 1) / (warmup + 1)) * (left * (1 - config.lrf) + config.lrf)

    return LambdaLR(optimizer, share)


def count(weights: Iterable[torch.Tensor]) -> int:
    """Return how many numbers there are in tensors."""
    return sum(each.numel() for each in weights)
