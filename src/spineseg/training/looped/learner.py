"""What a family of networks brings to the loop: its network, and the loss of a batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import nn

from spineseg.training.families.protocol import NanLoss


class Learner(nn.Module, ABC):
    """A network with its loss, as transformers' Trainer wants it: `loss` among what it returns.

    It keeps the sum of each loss over an epoch, for the record.
    """

    least_films = 1
    """How many films it learns from at a time, at least."""

    def __init__(self, network: nn.Module) -> None:
        """Take a network that is to be trained."""
        super().__init__()
        self.network = network
        self._sums: dict[str, torch.Tensor] = {}
        self._films = 0

    def forward(self, pixels: torch.Tensor, targets: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the loss of a batch (n, 3, side, side), 0..1, with its bodies film by film.

        Raises NanLoss where it is no number: what would follow from it says less.
        """
        losses = self.losses(pixels, targets)
        total: torch.Tensor = torch.stack(list(losses.values())).sum()
        if not bool(torch.isfinite(total)):
            raise NanLoss(f"the training loss is {float(total):g}")
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value.detach() * len(targets)
        self._films += len(targets)
        return {"loss": total}

    def mean_losses(self) -> dict[str, float]:
        """Return the losses of the batches since the last call, each the mean over its films."""
        means = {name: float(value) / max(self._films, 1) for name, value in self._sums.items()}
        self._sums, self._films = {}, 0
        return means

    @abstractmethod
    def losses(self, pixels: torch.Tensor, targets: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the losses that add up to what is minimised, by their names."""
