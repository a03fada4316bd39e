"""Score networks by their library's own output and pycocotools, beside this project's way.

python benchmarks/library_ap.py WEIGHTS [...] --data DIR [--part valid]

WEIGHTS are those of a Mask R-CNN, a Mask2Former or a SAM (of YOLO see benchmarks/evidence_cost.py),
DIR is the merged dataset they were trained on, its films square. Films are resized, boxes and masks
decoded and brought to their film by torchvision or transformers, and scored by COCOeval; this
project's are those of `spineseg evaluate`, each detection by itself. SAM's prompts are alike in
both, and its masks end a tenth of a prompt's side beyond it in both, since it learns from what lies
near. Told is mask AP, at an overlap of a half and over all of COCO's.
"""

from __future__ import annotations

import argparse
import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pycocotools.mask as coco_mask
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from spineseg.config.networks import family_of
from spineseg.data.labelled import read_films
from spineseg.decoding.decode import read_film
from spineseg.evaluation.evaluate import evaluate_weights
from spineseg.films import LabelledFilm
from spineseg.levels import CLASS_INDEX
from spineseg.metrics import MOST_DETECTIONS
from spineseg.prediction.mask2former import normalised
from spineseg.prediction.network_file import load_network, read_card
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.prediction.segmenter import load_segmenter

Row = tuple[int, float, np.ndarray]  # Level, score, and mask (h, w) of a detection.


def pixels_of(film: np.ndarray, side: int) -> torch.Tensor:
    """Return a film (h, w, 3) as torchvision resizes it: (1, 3, side, side), 0..1."""
    pixels = torch.from_numpy(film.copy()).permute(2, 0, 1)[None].float() / 255
    return torch.nn.functional.interpolate(pixels, size=(side, side), mode="bilinear")


def of_mask_rcnn(network: Any, film: np.ndarray, side: int, path: Path, weights: Path) -> list[Row]:
    """Return what torchvision's network gives of itself."""
    network.transform._skip_resize = False
    network.transform.min_size, network.transform.max_size = (side,), side
    network.roi_heads.score_thresh = 0.001
    network.roi_heads.detections_per_img = MOST_DETECTIONS
    network.roi_heads.nms_thresh = 0.7
    whole = torch.from_numpy(film.copy()).permute(2, 0, 1).float() / 255
    found = network([whole])[0]
    masks = (found["masks"][:, 0] > 0.5).numpy()
    return [
        (int(level) - 1, float(score), mask)
        for level, score, mask in zip(found["labels"], found["scores"], masks, strict=True)
    ]


def of_mask2former(
    network: Any, film: np.ndarray, side: int, path: Path, weights: Path
) -> list[Row]:
    """Return what transformers' own decoding of instances gives."""
    from transformers import Mask2FormerImageProcessor

    found = network(pixel_values=normalised(pixels_of(film, side)))
    decoded = Mask2FormerImageProcessor().post_process_instance_segmentation(
        found, threshold=0.0, target_sizes=[film.shape[:2]], return_binary_maps=True
    )[0]
    rows = zip(decoded["segments_info"], decoded["segmentation"], strict=True)
    return [(one["label_id"], one["score"], mask.numpy() > 0) for one, mask in rows]


def of_sam(network: Any, film: np.ndarray, side: int, path: Path, weights: Path) -> list[Row]:
    """Return SAM's masks as transformers brings them to a film, behind this project's prompts."""
    from transformers import SamImageProcessor

    prompts = load_segmenter(weights, image_size_px=side).predict_film(film, path).detections
    if not prompts:
        return []
    boxes = torch.tensor(np.array([d.box for d in prompts]) * side / film.shape[0])
    found = network.sam(
        pixel_values=normalised(pixels_of(film, side)),
        input_boxes=boxes[None].float(),
        multimask_output=False,
    )
    masks = SamImageProcessor().post_process_masks(
        [found.pred_masks[0]],
        [film.shape[:2]],
        [(side, side)],
        pad_size={"height": side, "width": side},
    )[0]
    return [
        (CLASS_INDEX[d.level], d.confidence, near(mask.numpy(), d.box))
        for d, mask in zip(prompts, masks[:, 0], strict=True)
    ]


def near(mask: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return a mask (h, w) without what lies far from a prompt's box."""
    beyond = np.tile(box[2:] - box[:2], 2) * [-0.1, -0.1, 0.1, 0.1]
    left, top, right, bottom = np.ceil(np.clip(box + beyond, 0, max(mask.shape))).astype(int)
    kept = np.zeros_like(mask)
    kept[top:bottom, left:right] = mask[top:bottom, left:right]
    return kept


DECODED = {"mask_rcnn": of_mask_rcnn, "mask2former": of_mask2former, "sam": of_sam}


def truths(films: list[LabelledFilm], shapes: list[tuple[int, int]]) -> COCO:
    """Return films' labels as pycocotools takes them."""
    bodies: list[dict[str, Any]] = []
    for number, (film, (height, width)) in enumerate(zip(films, shapes, strict=True), 1):
        for outline in film.outlines:
            polygon = [(outline.points * [width, height]).ravel().tolist()]
            code = coco_mask.merge(coco_mask.frPyObjects(polygon, height, width))
            bodies.append(
                {
                    "id": len(bodies) + 1,
                    "image_id": number,
                    "category_id": CLASS_INDEX[outline.level] + 1,
                    "segmentation": code,
                    "bbox": coco_mask.toBbox(code).tolist(),
                    "area": float(coco_mask.area(code)),
                    "iscrowd": 0,
                }
            )
    coco = COCO()
    coco.dataset = {
        "images": [{"id": n, "height": h, "width": w} for n, (h, w) in enumerate(shapes, 1)],
        "annotations": bodies,
        "categories": [{"id": i + 1, "name": name} for name, i in CLASS_INDEX.items()],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


def found_rows(rows: list[Row], number: int) -> Iterator[dict[str, Any]]:
    """Return a film's detections as pycocotools takes them."""
    for level, score, mask in rows:
        code = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
        box = coco_mask.toBbox(code).tolist()
        yield {
            "image_id": number,
            "category_id": level + 1,
            "segmentation": code,
            "bbox": box,
            "score": score,
        }


def by_the_library(weights: Path, films: list[LabelledFilm]) -> list[float]:
    """Return mask AP50 and AP, by the library's own decoding and pycocotools."""
    card, network = read_card(weights), load_network(weights).eval()
    decode = DECODED[str(family_of(card.architecture))]
    decoded: list[dict[str, Any]] = []
    shapes: list[tuple[int, int]] = []
    for number, film in enumerate(films, 1):
        pixels = read_film(film.path)
        shapes.append((pixels.shape[0], pixels.shape[1]))
        with torch.inference_mode():
            rows = decode(network, pixels, card.image_size_px, film.path, weights)
        decoded += found_rows(rows, number)
    coco = truths(films, shapes)
    with contextlib.redirect_stdout(io.StringIO()):
        scored = COCOeval(coco, coco.loadRes(decoded), "segm")
        scored.evaluate()
        scored.accumulate()
        scored.summarize()
    return [float(scored.stats[1]), float(scored.stats[0])]


def main() -> None:
    """Print a row for each file of weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", nargs="+", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--part", default="valid")
    asked = parser.parse_args()
    films = list(read_films(asked.data, asked.part))
    print(f"{'network':20} {'mask AP50':>10} {'library':>8} {'mask AP':>8} {'library':>8}")
    for weights in asked.weights:
        card = read_card(weights)
        own = evaluate_weights(
            weights,
            films,
            image_size_px=card.image_size_px,
            device="cpu",
            numbering=NumberingModel(),
        ).scores["argmax"]
        half, whole = by_the_library(weights, films)
        mine = own.value("mask_map50"), own.value("mask_map50_95")
        row = f"{mine[0]:10.3f} {half:8.3f} {mine[1]:8.3f} {whole:8.3f}"
        print(f"{card.architecture:20} {row}", flush=True)


if __name__ == "__main__":
    main()
