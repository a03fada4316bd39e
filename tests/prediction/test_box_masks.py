"""Masks made inside their boxes are Ultralytics' own, pixel for pixel."""

from __future__ import annotations

import numpy as np
import pycocotools.mask as coco_mask
import pytest

from spineseg.prediction.box_masks import box_masks


@pytest.mark.parametrize(
    ("network", "film"),
    [((56, 56), (640, 640)), ((48, 48), (300, 811)), ((40, 40), (517, 160)), ((64, 64), (33, 50))],
)
def test_masks_are_those_of_the_whole_film(network: tuple[int, int], film: tuple[int, int]) -> None:
    import torch
    from ultralytics.utils.ops import process_mask_native

    rng = np.random.default_rng(sum(film))
    prototypes = torch.tensor(rng.normal(size=(32, *network)), dtype=torch.float32)
    weights = torch.tensor(rng.normal(size=(12, 32)), dtype=torch.float32)
    height, width = film
    corners = rng.uniform(-5, [width + 5, height + 5], (12, 2, 2))
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    boxes = np.clip(boxes, 0, [width, height, width, height]).astype(np.float32)
    wanted = process_mask_native(prototypes, weights, torch.tensor(boxes), film).numpy()
    logits = torch.einsum("nk,khw->nhw", weights, prototypes).numpy()
    found = np.stack([coco_mask.decode(mask.code) for mask in box_masks(logits, boxes, film)])
    assert wanted.any() and found.shape == wanted.shape
    # Of pixels whose logit is zero but for rounding, a few may fall to the other side.
    assert (found.astype(bool) != wanted.astype(bool)).mean() < 1e-5
