"""Count and time every network of `config/networks.py`, as multiples of yolo11n-seg.

python benchmarks/networks.py [--models maskrcnn-resnet18 ...] [--side 256] [--films 2]

Told are parameters with 24 levels, seconds a film of a step (forward and backward, one thread, the
least of three), and the bytes that are kept for the way back, a film: what activations take. Films
are noise with 17 boxes; what takes films of one size only is told by area, as if of the others'
size. SAM's image encoder is trained too, and its prompter is left out.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import torch

from spineseg.config.networks import MODELS, NETWORKS, SIDES_PX
from spineseg.levels import CLASS_NAMES
from spineseg.prediction.built import named

_BODIES = 17


def targets(side: int) -> dict[str, torch.Tensor]:
    """Return a column of bodies, as the loop's films give them."""
    masks, boxes = torch.zeros(_BODIES, side, side, dtype=torch.uint8), []
    high, half = side // 24, side // 16
    for body in range(_BODIES):
        top, middle = side // 20 + body * side // 19, side // 2
        masks[body, top : top + high, middle - half : middle + half] = 1
        boxes.append([middle - half, top, middle + half, top + high])
    return {
        "boxes": torch.tensor(boxes, dtype=torch.float32),
        "levels": torch.arange(_BODIES),
        "masks": masks,
        "film": torch.tensor(0),
    }


def step_of(model: str, side: int, films: int) -> tuple[int, Any]:
    """Return a network's parameters, and a function that gives the loss of a batch of noise."""
    family = NETWORKS[model].family
    pixels = torch.rand(films, 3, side, side)
    told = [targets(side) for _ in range(films)]
    network = named(model, CLASS_NAMES, **({"image_size_px": side} if family == "sam" else {}))
    network.train()
    parameters = sum(each.numel() for each in network.parameters())
    if family == "yolo":
        return parameters, _yolo_loss(network, pixels, told)
    if family == "mask_rcnn":
        from spineseg.training.families.mask_rcnn import MaskRcnnLearner as learner
    elif family == "mask2former":
        from spineseg.training.families.mask2former import Mask2FormerLearner as learner
    else:
        from spineseg.training.families.sam import SamLearner

        made = SamLearner(network, jitter=0.1, encodes=True, once=False)
        return parameters, lambda: made(pixels, told)["loss"]
    made = learner(network)
    return parameters, lambda: made(pixels, told)["loss"]


def _yolo_loss(network: Any, pixels: torch.Tensor, told: list[dict[str, torch.Tensor]]) -> Any:
    from ultralytics.cfg import get_cfg
    from ultralytics.utils.ops import xyxy2xywh

    network.args = get_cfg()
    side = pixels.shape[-1]
    masks = torch.stack([_overlapping(film["masks"], side) for film in told])
    batch = {
        "img": pixels,
        "batch_idx": torch.cat([torch.full((_BODIES,), float(i)) for i in range(len(told))]),
        "cls": torch.cat([film["levels"].float()[:, None] for film in told]),
        "bboxes": torch.cat([xyxy2xywh(film["boxes"]) / side for film in told]),
        "masks": masks,
        "sem_masks": (masks - 1).clamp(min=0),  # Body n is of level n - 1; YOLO26 reads it.
    }
    return lambda: network(batch)[0].sum()


def _overlapping(masks: torch.Tensor, side: int) -> torch.Tensor:
    numbered = masks * torch.arange(1, _BODIES + 1, dtype=torch.uint8)[:, None, None]
    return numbered.amax(0)[:: side // (side // 4), :: side // (side // 4)].float()


def measured(model: str, side: int, films: int) -> tuple[int, float, float]:
    """Return parameters, seconds a film of a step, and megabytes kept for the way back."""
    torch.manual_seed(0)
    asked, side = side, SIDES_PX.get(model, side)
    parameters, loss = step_of(model, side, films)
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss().backward()
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        loss().backward()
        seconds.append((time.perf_counter() - start) / films)
    smaller = (asked / side) ** 2  # As the table has it: all at one size.
    return parameters, min(seconds) * smaller, sum(kept.values()) / films / 1e6 * smaller


def main() -> None:
    """Print a row a network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--films", type=int, default=2)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    _, one, held = measured("yolo11n-seg", asked.side, asked.films)
    print(f"{'network':22} {'parameters':>12} {'s a film':>9} {'times':>6} {'MB':>7} {'times':>6}")
    for model in asked.models:
        parameters, seconds, mb = measured(model, asked.side, asked.films)
        times = f"{seconds / one:6.1f} {mb:7.0f} {mb / held:6.1f}"
        print(f"{model:22} {parameters:12,} {seconds:9.3f} {times}", flush=True)


if __name__ == "__main__":
    main()
