"""YOLO's networks, built by name, and their output: the only door to Ultralytics' prediction."""

from __future__ import annotations

from typing import Any

import numpy as np

from spineseg.metrics import MOST_DETECTIONS
from spineseg.prediction.architectures import description
from spineseg.prediction.box_masks import box_masks
from spineseg.prediction.segmenter import Rows, Segmenter


def build(architecture: str, classes: int) -> Any:
    """Return the network that Ultralytics ships by that name, on the CPU; None for any other."""
    from ultralytics.nn.tasks import SegmentationModel

    shipped = description(architecture)
    if shipped is None:
        return None
    return SegmentationModel(shipped | {"nc": classes}, nc=classes, verbose=False)


class FamilySegmenter(Segmenter):
    """A YOLO segmentation network."""

    def _prepared(self, network: Any) -> Any:
        network = network.fuse(verbose=False)
        head = network.model[-1]
        # YOLO26's head would keep one level of each box: here it keeps the scores of all.
        self._chooses = bool(getattr(head, "end2end", False))
        if self._chooses:
            head.postprocess = _as_it_is
        return network

    @property
    def exportable(self) -> bool:
        """Whether the network can be written for other runtimes, by `onnx_file`."""
        return not self._chooses

    def _rows(self, images: list[np.ndarray]) -> list[Rows]:
        from ultralytics.utils.nms import non_max_suppression
        from ultralytics.utils.ops import xyxy2xywh

        output = self.network(self.fitted(images))[0]
        raw, prototypes = output[0], output[1]
        if self._chooses:
            raw = raw.transpose(1, 2).clone()
            raw[:, :4] = xyxy2xywh(raw[:, :4].transpose(1, 2)).transpose(1, 2)
        kept, anchors = non_max_suppression(
            raw,
            self._confidence,
            self._iou,
            multi_label=True,
            max_det=MOST_DETECTIONS,
            nc=len(self._columns),
            max_time_img=10.0,
            return_idxs=True,
        )
        return [
            self._film_rows(
                rows, raw[i][:, index.long()], index, prototypes[i], images[i].shape[:2]
            )
            for i, (rows, index) in enumerate(zip(kept, anchors, strict=True))
        ]

    def _film_rows(
        self, rows: Any, raw: Any, anchors: Any, prototypes: Any, shape: tuple[int, int]
    ) -> Rows:
        """Return the rows of one film from those (n, 6 + 32) that suppression left."""
        if not len(rows):
            return Rows.none(len(self._columns))
        boxes = self._on_film(rows[:, :4], shape)
        # One anchor may be kept under several levels: its mask is the same.
        _, first, which = np.unique(anchors.cpu().numpy(), return_index=True, return_inverse=True)
        logits = self._torch.einsum("nk,khw->nhw", rows[first, 6:], prototypes)
        masks = box_masks(logits.float().cpu().numpy(), boxes[first].cpu().numpy(), shape)
        found = rows.cpu().numpy()
        return Rows(
            boxes=boxes.cpu().numpy(),
            classes=found[:, 5].astype(int),
            confidence=found[:, 4],
            scores=raw[4 : 4 + len(self._columns)].T.cpu().numpy(),
            masks=[masks[i] for i in which],
        )


def _as_it_is(predictions: Any) -> Any:
    return predictions
