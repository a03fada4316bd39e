"""A network as ONNX, for any runtime, and whether that gives what torch gives.

Input `images`, float32 (films, 3, side, side): red first, 0..1, each film scaled to fit and put in
the middle of grey 114/255, as `Segmenter.fitted` makes it. Outputs, under Ultralytics' names:
`output0`, float32 (films, 4 + classes + 32, places): at each place a box (centre x, y, width,
height in px of the input), a score 0..1 for each class, and 32 mask coefficients; `output1`,
float32 (films, 32, side / 4, side / 4): the masks' prototypes. A mask is where coefficients times
prototypes, stretched to the film and cut to its box, are above 0. Suppressing doubles and numbering
whole columns is not in the file: `spineseg predict` does both.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pycocotools.mask as coco_mask

from spineseg.prediction.box_masks import box_masks
from spineseg.prediction.segmenter import Segmenter

BOX_PX, SCORE, MASK_IOU = 0.1, 0.001, 0.999
"""How far both runtimes may be apart: boxes in px of the network's input, scores, masks."""
_MASKS_A_FILM = 20  # The places of the highest scores: as many as a film has vertebrae.
_STRIDES = (8, 16, 32)


@dataclass(frozen=True)
class Agreement:
    """How far ONNX and torch are apart on films, at the worst."""

    films: int
    masks: int
    box_px: float
    score: float
    mask_logit: float
    mask_iou: float  # The least; one pixel apart counts as none.
    best_score: float  # The highest that torch gave: near 0, the network saw nothing on the films.

    @property
    def within(self) -> bool:
        """Whether they agree within what is allowed."""
        return self.box_px <= BOX_PX and self.score <= SCORE and self.mask_iou >= MASK_IOU

    def text(self) -> str:
        """Return the figures in a line, with what is allowed."""
        return (
            f"{self.films} films, {self.masks} masks (highest score {self.best_score:.2f}): boxes "
            f"{self.box_px:.2g} px apart at most ({BOX_PX:g} allowed), scores {self.score:.2g} "
            f"({SCORE:g}), mask IoU at least {self.mask_iou:.5f} ({MASK_IOU:g}), mask logits "
            f"{self.mask_logit:.2g} apart"
        )


def write_onnx(segmenter: Segmenter, target: Path, about: Mapping[str, Any], opset: int) -> None:
    """Write the segmenter's network to `target`, any number of films at a time.

    `about` goes into its metadata beside what Ultralytics' own readers look for.
    """
    import onnx
    import torch

    class Outputs(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = segmenter.network

        def forward(self, images: Any) -> Any:
            found = self.network(images)[0]
            return found[0], found[1]

    side = segmenter.image_size_px
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # Of tracing, and that another exporter is newer.
        torch.onnx.export(
            Outputs().eval(),
            (torch.zeros(2, 3, side, side),),
            str(target),
            input_names=["images"],
            output_names=["output0", "output1"],
            dynamic_axes={name: {0: "films"} for name in ("images", "output0", "output1")},
            opset_version=opset,
            dynamo=False,
        )
    model = onnx.load(str(target))
    places = sum((side // stride) ** 2 for stride in _STRIDES)
    numbers = 4 + len(segmenter.levels) + 32
    model.graph.output[0].CopyFrom(  # Tracing says of these two sizes that they are some number.
        onnx.helper.make_tensor_value_info(
            "output0", onnx.TensorProto.FLOAT, ["films", numbers, places]
        )
    )
    theirs = {
        "task": "segment",
        "stride": max(_STRIDES),
        "batch": 1,
        "imgsz": [side, side],
        "channels": 3,
        "names": dict(enumerate(segmenter.levels)),
        "args": {"dynamic": True},
    }
    for key, value in (theirs | {"levels": json.dumps(segmenter.levels)} | dict(about)).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, str(value)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


def agreement(segmenter: Segmenter, written: Path, films: Sequence[np.ndarray]) -> Agreement:
    """Return how far onnxruntime on `written` and torch are apart on films.

    Films are (height, width, 3), blue first, run all at once. Raises whatever onnxruntime does for
    a file that it cannot run.
    """
    import onnxruntime
    import torch

    session = onnxruntime.InferenceSession(str(written), providers=["CPUExecutionProvider"])
    box, score, logit, iou, best, masks = 0.0, 0.0, 0.0, 1.0, 0.0, 0
    classes = slice(4, 4 + len(segmenter.levels))
    with torch.inference_mode():
        pixels = segmenter.fitted(list(films))
        by_torch = [part.cpu().numpy() for part in segmenter.network(pixels)[0][:2]]
    by_onnx = session.run(None, {"images": pixels.cpu().numpy()})
    if not all(np.isfinite(part).all() for part in by_onnx):
        return Agreement(len(films), 0, np.inf, np.inf, np.inf, 0.0, 0.0)
    for number, film in enumerate(films):
        torchs, onnxs = ([part[number] for part in parts] for parts in (by_torch, by_onnx))
        box = _worst(box, torchs[0][:4], onnxs[0][:4])
        score = _worst(score, torchs[0][classes], onnxs[0][classes])
        places = np.argsort(torchs[0][classes].max(0))[::-1][:_MASKS_A_FILM]
        best = max(best, float(torchs[0][classes].max()))
        ours, theirs = (_masks(parts, places, segmenter, film) for parts in (torchs, onnxs))
        logit = _worst(logit, ours[0], theirs[0])
        iou = min([iou, *(_iou(a, b) for a, b in zip(ours[1], theirs[1], strict=True))])
        masks += len(places)
    return Agreement(len(films), masks, box, score, logit, iou, best)


def _worst(before: float, ours: np.ndarray, theirs: np.ndarray) -> float:
    return max(before, float(np.abs(ours - theirs).max()))


def _masks(
    parts: list[np.ndarray], places: np.ndarray, segmenter: Segmenter, film: np.ndarray
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Return the mask logits at places, and the masks on the film as run-length codes."""
    import torch
    from ultralytics.utils.ops import scale_boxes, xywh2xyxy

    found, prototypes = parts
    rows = found[:, places].T
    logits = np.einsum("nk,khw->nhw", rows[:, 4 + len(segmenter.levels) :], prototypes)
    side = segmenter.image_size_px
    corners = xywh2xyxy(torch.from_numpy(rows[:, :4].copy()))
    boxes = scale_boxes((side, side), corners, film.shape[:2]).numpy()
    masks = box_masks(logits, boxes, (film.shape[0], film.shape[1]))
    return logits, [mask.code for mask in masks]


def _iou(ours: dict[str, Any], theirs: dict[str, Any]) -> float:
    common = int(coco_mask.area(coco_mask.merge([ours, theirs], intersect=True)))
    either = int(coco_mask.area(coco_mask.merge([ours, theirs])))
    return 1.0 if either - common <= 1 else common / either
