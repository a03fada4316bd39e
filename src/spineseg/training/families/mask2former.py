"""Mask2Former: transformers' network, its matching and its losses."""

from __future__ import annotations

from typing import Any

import torch

from spineseg.prediction.mask2former import normalised
from spineseg.training.families.protocol import Asked, Hooks
from spineseg.training.looped.learner import Learner
from spineseg.training.looped.loop import (
    SUFFIX,
    LoopedTraining,
    own_scores,
    starting_network,
    stripped,
)
from spineseg.training.saved import Saved

__all__ = ["SUFFIX", "own_scores", "stripped", "train"]
_NAMES = {"cross_entropy": "cls_loss", "mask": "seg_loss", "dice": "dice_loss"}


def train(asked: Asked, saved: Saved | None, hooks: Hooks) -> None:
    """Train as `Trainings` says."""
    LoopedTraining(asked, lambda: _learner(asked), saved).train(hooks)


class Mask2FormerLearner(Learner):
    """A Mask2Former with its losses, those of its inner layers added to those of the last one."""

    def losses(self, pixels: torch.Tensor, targets: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the three losses, weighed as the network's configuration says."""
        told: dict[str, torch.Tensor] = {}
        hook = self.network.criterion.register_forward_hook(lambda *given: told.update(given[2]))
        try:
            self.network(
                pixel_values=normalised(pixels),
                mask_labels=[film["masks"].float() for film in targets],
                class_labels=[film["levels"] for film in targets],
            )
        finally:
            hook.remove()
        summed: dict[str, Any] = {}  # The network has weighed them, in place.
        for name, value in told.items():  # loss_mask, loss_mask_0, ..: of the last layer, of inner.
            kind = next(kind for kind in _NAMES if name.startswith(f"loss_{kind}"))
            summed[_NAMES[kind]] = summed.get(_NAMES[kind], 0.0) + value
        return summed


def _learner(asked: Asked) -> Learner:
    network, config = starting_network(asked), asked.job.config
    criterion = network.criterion
    criterion.num_points = criterion.matcher.num_points = config.points
    criterion.eos_coef = config.no_object_weight
    criterion.empty_weight[-1] = config.no_object_weight
    return Mask2FormerLearner(network)
