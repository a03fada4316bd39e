"""Mask R-CNN: torchvision's network and its own losses."""

from __future__ import annotations

from typing import Any

import torch

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
_NAMES = {
    "loss_classifier": "cls_loss",
    "loss_box_reg": "box_loss",
    "loss_mask": "seg_loss",
    "loss_objectness": "proposal_loss",
    "loss_rpn_box_reg": "proposal_box_loss",
}


def train(asked: Asked, saved: Saved | None, hooks: Hooks) -> None:
    """Train as `Trainings` says."""
    LoopedTraining(asked, lambda: _learner(asked), saved).train(hooks)


class MaskRcnnLearner(Learner):
    """A Mask R-CNN with torchvision's five losses, each of weight 1."""

    least_films = 2  # It normalises over them.

    def losses(self, pixels: torch.Tensor, targets: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the losses of both stages."""
        told = [
            {"boxes": film["boxes"], "labels": film["levels"] + 1, "masks": film["masks"]}
            for film in targets
        ]
        return {_NAMES[key]: value for key, value in self.network(list(pixels), told).items()}


def _learner(asked: Asked) -> Learner:
    network = starting_network(asked)
    network.roi_heads.fg_bg_sampler.batch_size_per_image = asked.job.config.sampled_boxes
    return MaskRcnnLearner(network)
