"""Mask2Former (Cheng et al. 2022): transformers' networks, built by name, and their output read.

transformers' own decoding of instances goes through 384 px and may give one query several levels as
so many bodies. Here a query is one body, with the scores of all levels; the network is theirs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spineseg.metrics import MOST_DETECTIONS
from spineseg.prediction.box_masks import box_masks
from spineseg.prediction.extra import needs_models
from spineseg.prediction.film_mask import FilmMask
from spineseg.prediction.segmenter import Rows, Segmenter

# ImageNet's, as published weights want them.
MEAN, SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SWIN_T: dict[str, Any] = {"embed_dim": 96, "depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24]}
_SWIN_SMALL: dict[str, Any] = {"embed_dim": 32, "depths": [2, 2, 2, 2], "num_heads": [2, 4, 8, 16]}
_STAGES = ["stage1", "stage2", "stage3", "stage4"]
_SMALL: dict[str, Any] = {
    "feature_size": 128,
    "mask_feature_size": 128,
    "hidden_dim": 128,
    "encoder_feedforward_dim": 256,
    "dim_feedforward": 512,
    "encoder_layers": 3,
    "decoder_layers": 4,
    "num_attention_heads": 4,
    "num_queries": 40,
}


def build(architecture: str, classes: int) -> Any:
    """Return the Mask2Former of that name for so many classes, untrained; None for no such name.

    `mask2former-swin-t` is the published one with a Swin-T; `mask2former-small` has a Swin of
    width 32, 128 channels and 40 queries. Raises ConfigError where transformers is not installed.
    """
    if architecture not in ("mask2former-swin-t", "mask2former-small"):
        return None
    with needs_models(architecture):
        from transformers import (
            Mask2FormerConfig,
            Mask2FormerForUniversalSegmentation,
            SwinConfig,
        )
    small = architecture == "mask2former-small"
    swin: Any = {"window_size": 7, "out_features": _STAGES} | (_SWIN_SMALL if small else _SWIN_T)
    rest: Any = {"num_labels": classes} | (_SMALL if small else {})
    return Mask2FormerForUniversalSegmentation(
        Mask2FormerConfig(backbone_config=SwinConfig(**swin), **rest)
    )


def normalised(pixels: Any) -> Any:
    """Return films (n, 3, side, side), 0..1, as the network takes them."""
    import torch

    mean, sd = (torch.tensor(each, device=pixels.device)[:, None, None] for each in (MEAN, SD))
    return (pixels - mean) / sd


class FamilySegmenter(Segmenter):
    """A Mask2Former."""

    def _rows(self, images: list[np.ndarray]) -> list[Rows]:
        found = self.network(pixel_values=normalised(self.fitted(images)))
        return [
            self._film_rows(logits, masks, image.shape[:2])
            for logits, masks, image in zip(
                found.class_queries_logits, found.masks_queries_logits, images, strict=True
            )
        ]

    def _film_rows(self, logits: Any, masks: Any, shape: tuple[int, int]) -> Rows:
        """Return a film's rows from its queries' logits (n, classes + 1) and masks (n, h, w).

        A row's confidence is its level's probability times the mean probability of its mask, as
        Mask2Former's authors rank instances.
        """
        from torchvision.ops import batched_nms, masks_to_boxes

        torch = self._torch
        inside = masks > 0
        masks, inside, logits = (each[inside.flatten(1).any(1)] for each in (masks, inside, logits))
        if not len(masks):
            return Rows.none(len(self._columns))
        sure = (masks.sigmoid() * inside).flatten(1).sum(1) / inside.flatten(1).sum(1)
        scores = logits.softmax(-1)[:, :-1] * sure[:, None]
        which, level = torch.where(scores > self._confidence)
        if not len(which):
            return Rows.none(len(self._columns))
        stride = self.image_size_px / masks.shape[-1]
        coarse = masks_to_boxes(inside) * stride
        coarse = coarse + coarse.new_tensor([-stride, -stride, 2 * stride, 2 * stride])
        kept = batched_nms(coarse[which], scores[which, level], level, self._iou)[:MOST_DETECTIONS]
        which, level = which[kept], level[kept]
        queries, place = torch.unique(which, return_inverse=True)
        around = self._on_film(coarse[queries], shape).cpu().numpy()
        on_film = box_masks(masks[queries].float().cpu().numpy(), around, shape)
        tight = np.stack([_box(mask) for mask in on_film])
        body = place.cpu().numpy()
        return Rows(
            boxes=tight[body],
            classes=level.cpu().numpy(),
            confidence=scores[which, level].cpu().numpy(),
            scores=scores[which].cpu().numpy(),
            masks=[on_film[i] for i in body],
        )


def _box(mask: FilmMask) -> np.ndarray:
    """Return the box around a mask on its film: left, top, right, bottom in px."""
    rows, columns = np.flatnonzero(mask.window.any(1)), np.flatnonzero(mask.window.any(0))
    if not len(rows):
        return np.array([mask.left, mask.top, mask.left, mask.top], float)
    return np.array(
        [
            mask.left + columns[0],
            mask.top + rows[0],
            mask.left + columns[-1] + 1,
            mask.top + rows[-1] + 1,
        ],
        float,
    )
