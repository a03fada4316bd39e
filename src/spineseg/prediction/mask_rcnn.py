"""Mask R-CNN (He et al. 2017): torchvision's networks, built by name, and their output read.

torchvision keeps one level of each box. Here each box keeps the scores of all of them, from which
whole columns are numbered; the network is torchvision's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spineseg.metrics import MOST_DETECTIONS
from spineseg.prediction.film_mask import FilmMask
from spineseg.prediction.segmenter import Rows, Segmenter
from spineseg.prediction.square import film_in_square

# At strides 4 to 64. Bodies are 10 to 25 px high on films of 256 px, 25 to 100 on larger ones;
# torchvision's own begin at 32.
_ANCHORS_PX = ((8,), (16,), (32,), (64,), (128,))
_RATIOS = (0.5, 1.0, 2.0)
_SMALL_CHANNELS, _SMALL_HEAD, _SMALL_MASK, _SMALL_PROPOSALS = 64, 512, (64, 64), 200
_LEAST_BOX_PX = 0.01  # As torchvision's postprocessing.


def build(architecture: str, classes: int) -> Any:
    """Return the Mask R-CNN of that name for so many classes beside the background, untrained.

    `maskrcnn-resnet50` is torchvision's maskrcnn_resnet50_fpn_v2 with smaller anchors;
    `maskrcnn-resnet18` has a pyramid of 64 channels, a narrower box head, two mask layers and 200
    proposals.
    None for a name that is neither. What it trains on is not resized.
    """
    from torchvision.models.detection import MaskRCNN, maskrcnn_resnet50_fpn_v2
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.backbone_utils import BackboneWithFPN
    from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
    from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
    from torchvision.models.resnet import resnet18

    count = classes + 1
    anchors = AnchorGenerator(_ANCHORS_PX, (_RATIOS,) * len(_ANCHORS_PX))
    if architecture == "maskrcnn-resnet50":
        network = maskrcnn_resnet50_fpn_v2(
            weights=None, weights_backbone=None, num_classes=count, _skip_resize=True
        )
        network.rpn.anchor_generator = anchors
        return network
    if architecture != "maskrcnn-resnet18":
        return None
    channels = _SMALL_CHANNELS
    backbone = BackboneWithFPN(
        resnet18(weights=None),
        return_layers={f"layer{stage}": str(stage - 1) for stage in (1, 2, 3, 4)},
        in_channels_list=[64, 128, 256, 512],
        out_channels=channels,
    )
    return MaskRCNN(
        backbone,
        rpn_anchor_generator=anchors,
        box_head=TwoMLPHead(channels * 7**2, _SMALL_HEAD),
        box_predictor=FastRCNNPredictor(_SMALL_HEAD, count),
        mask_head=MaskRCNNHeads(channels, _SMALL_MASK, 1),
        mask_predictor=MaskRCNNPredictor(_SMALL_MASK[-1], _SMALL_MASK[-1], count),
        rpn_post_nms_top_n_train=_SMALL_PROPOSALS,
        rpn_post_nms_top_n_test=_SMALL_PROPOSALS,
        _skip_resize=True,
    )


class FamilySegmenter(Segmenter):
    """A Mask R-CNN."""

    def _rows(self, images: list[np.ndarray]) -> list[Rows]:
        from torchvision.models.detection.image_list import ImageList

        net, roi, side = self.network, self.network.roi_heads, self.image_size_px
        pixels = net.transform.normalize(self.fitted(images))  # Resized it is already.
        films = ImageList(pixels, [(side, side)] * len(images))
        features = net.backbone(films.tensors)
        proposals, _ = net.rpn(films, features)
        pooled = roi.box_roi_pool(features, proposals, films.image_sizes)
        logits, regression = roi.box_predictor(roi.box_head(pooled))
        boxes = roi.box_coder.decode(regression, proposals)  # (proposals, classes + 1, 4)
        scores = logits.softmax(-1)
        counts = [len(each) for each in proposals]
        kept = [
            self._kept(*each)
            for each in zip(boxes.split(counts), scores.split(counts), images, strict=True)
        ]
        bodies = [body for body, _ in kept]
        features_of = roi.mask_roi_pool(features, bodies, films.image_sizes)
        masks = roi.mask_predictor(roi.mask_head(features_of)).sigmoid()
        split = masks.split([len(each) for each in bodies])
        return [
            self._film_rows(body, found, mask, image.shape[:2])
            for (body, found), mask, image in zip(kept, split, images, strict=True)
        ]

    def _kept(self, boxes: Any, scores: Any, image: np.ndarray) -> tuple[Any, dict[str, Any]]:
        """Return a film's bodies, a box each, and the rows that suppression leaves of them.

        As torchvision's own postprocessing: boxes end where the film does, and every level of every
        proposal is a row, suppressed within its level. What is looked at further is a proposal
        once, by its likeliest level.
        """
        from torchvision.ops import batched_nms, remove_small_boxes

        torch, (height, width) = self._torch, image.shape[:2]
        low, high = film_in_square((height, width), self.image_size_px)
        classes = scores.shape[1] - 1
        boxes = boxes[:, 1:].clamp(boxes.new_tensor([*low, *low]), boxes.new_tensor([*high, *high]))
        scores = scores[:, 1:]
        which, level = torch.where(scores > self._confidence)
        rows, confidence = boxes[which, level], scores[which, level]
        large = remove_small_boxes(rows, _LEAST_BOX_PX)
        which, level, rows, confidence = which[large], level[large], rows[large], confidence[large]
        kept = batched_nms(rows, confidence, level, self._iou)[:MOST_DETECTIONS]
        proposals, place = torch.unique(which[kept], return_inverse=True)
        best = scores[proposals].argmax(1) if classes else proposals
        return boxes[proposals, best], {
            "boxes": rows[kept],
            "classes": level[kept],
            "confidence": confidence[kept],
            "scores": scores[which[kept]],
            "body": place,
            "best": best,
        }

    def _film_rows(
        self, bodies: Any, found: dict[str, Any], masks: Any, shape: tuple[int, int]
    ) -> Rows:
        """Return the rows of one film; `masks` are (bodies, classes + 1, 28, 28), 0..1."""
        if not len(found["boxes"]):
            return Rows.none(len(self._columns))
        mask = masks[self._torch.arange(len(bodies)), found["best"] + 1].float().cpu().numpy()
        on_film = pasted(mask, self._on_film(bodies, shape).cpu().numpy(), shape)
        return Rows(
            boxes=self._on_film(found["boxes"], shape).cpu().numpy(),
            classes=found["classes"].cpu().numpy(),
            confidence=found["confidence"].cpu().numpy(),
            scores=found["scores"].cpu().numpy(),
            masks=[on_film[i] for i in found["body"].tolist()],
        )


def pasted(masks: np.ndarray, boxes: np.ndarray, shape: tuple[int, int]) -> list[FilmMask]:
    """Return masks (n, side, side), 0..1 over their boxes, on a film of `shape` (height, width).

    `boxes` are (n, 4) left, top, right, bottom in px of the film. As torchvision's
    `paste_masks_in_image`, in the window of each box alone: a film has some million pixels, and a
    body a hundredth of it.
    """
    import torch
    from torch.nn.functional import interpolate
    from torchvision.models.detection.roi_heads import expand_boxes, expand_masks

    height, width = shape
    padded, scale = expand_masks(torch.from_numpy(masks)[:, None], padding=1)
    corners = expand_boxes(torch.from_numpy(np.asarray(boxes, np.float32)), scale).long().tolist()
    found = []
    for mask, (x1, y1, x2, y2) in zip(padded, corners, strict=True):
        size = (max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1))
        inside = interpolate(mask[None], size=size, mode="bilinear", align_corners=False)[0, 0]
        top, left = max(-y1, 0), max(-x1, 0)
        window = (inside[top : max(height - y1, 0), left : max(width - x1, 0)] > 0.5).numpy()
        place = min(max(x1, 0), width), min(max(y1, 0), height)
        found.append(FilmMask(window.astype(np.uint8), *place, shape))
    return found
