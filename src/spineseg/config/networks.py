"""The networks that can be trained, by name: of which family each is, and how large.

A further network of a family is a line here; a further family, that and a module beside each of
`prediction/yolo.py` and `training/families/yolo.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Family = Literal["yolo", "mask_rcnn", "mask2former", "sam"]
FAMILIES: tuple[Family, ...] = get_args(Family)


@dataclass(frozen=True)
class NetworkFacts:
    """What is known of a network before it is built.

    `work` are the multiply-adds of one training step, `memory` what activations take, both at one
    image size and as multiples of yolo11n-seg's.
    """

    family: Family
    parameters: int  # With 24 levels, rounded.
    work: float
    memory: float


def _yolo(parameters: int, work: float, memory: float) -> NetworkFacts:
    return NetworkFacts("yolo", parameters, work, memory)


# Parameters and memory as benchmarks/networks.py counted them. Work is seconds of a step on a
# processor; of YOLO it is Ultralytics' own count. SAM's are estimated.
NETWORKS: dict[str, NetworkFacts] = {
    "yolo11n-seg": _yolo(2_800_000, 1.0, 1.0),
    "yolo11s-seg": _yolo(10_100_000, 3.4, 2.0),
    "yolo11m-seg": _yolo(22_400_000, 11.9, 4.1),
    "yolo11l-seg": _yolo(27_600_000, 13.7, 5.1),
    "yolo11x-seg": _yolo(62_100_000, 30.7, 8.3),
    "yolov8n-seg": _yolo(3_300_000, 1.2, 0.9),
    "yolov8s-seg": _yolo(11_800_000, 4.1, 1.9),
    "yolov8m-seg": _yolo(27_300_000, 10.6, 3.4),
    "yolov8l-seg": _yolo(46_000_000, 21.2, 5.3),
    "yolov8x-seg": _yolo(71_800_000, 33.1, 7.2),
    "yolo12n-seg": _yolo(2_800_000, 1.0, 1.1),
    "yolo12s-seg": _yolo(9_900_000, 3.3, 2.2),
    "yolo12m-seg": _yolo(22_500_000, 11.5, 4.4),
    "yolo12l-seg": _yolo(28_700_000, 14.0, 5.7),
    "yolo12x-seg": _yolo(64_300_000, 31.0, 9.3),
    "yolo26n-seg": _yolo(3_100_000, 1.0, 1.2),
    "yolo26s-seg": _yolo(11_500_000, 3.4, 2.4),
    "yolo26m-seg": _yolo(27_000_000, 12.0, 4.9),
    "yolo26l-seg": _yolo(31_400_000, 14.0, 5.8),
    "yolo26x-seg": _yolo(70_500_000, 31.0, 9.6),
    "maskrcnn-resnet50": NetworkFacts("mask_rcnn", 46_000_000, 66.6, 9.9),
    "maskrcnn-resnet18": NetworkFacts("mask_rcnn", 13_400_000, 3.5, 1.3),
    "mask2former-swin-t": NetworkFacts("mask2former", 47_400_000, 24.9, 11.3),
    "mask2former-small": NetworkFacts("mask2former", 3_700_000, 5.1, 2.6),
    "sam-vit-b": NetworkFacts("sam", 93_700_000, 60.0, 10.0),
    "sam-small": NetworkFacts("sam", 10_000_000, 3.0, 3.0),
}
MODELS = tuple(NETWORKS)
SIDES_PX = {"sam-vit-b": 1024}
"""The only image size that a network takes, where its published weights know of no other."""


def family_of(model: str) -> Family | None:
    """Return the family of the network of that name; None for a name that is none."""
    facts = NETWORKS.get(model)
    return facts.family if facts else None


class KeyOf:
    """Says of which families a key of a training is; no mark: of all."""

    def __init__(self, *families: Family) -> None:
        self.families = families
