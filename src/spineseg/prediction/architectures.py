"""The segmentation networks that Ultralytics ships, by name, built from its packaged descriptions.

A description is never taken from a weights file or from the working folder: building one evaluates
what it says.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
import yaml
from torch.overrides import TorchFunctionMode

_NAME = re.compile(r"(yolov?\d+)([a-z]?)(-seg(?:-p6)?)")


def description(name: str) -> dict[str, Any] | None:
    """Return what Ultralytics ships as `name`, such as `yolo11n-seg`; None for what it does not."""
    import ultralytics

    match = _NAME.fullmatch(name)
    if match is None:
        return None
    folder = Path(ultralytics.__file__).parent / "cfg" / "models"
    for stem, scale in ((match[1] + match[3], match[2]), (name, "")):
        for path in sorted(folder.glob(f"*/{stem}.yaml")):
            found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
            if scale in found.get("scales", {"": ()}):
                return found | {"scale": scale, "yaml_file": f"{name}.yaml"}
    return None


def untrained(shipped: dict[str, Any], classes: int) -> Any:
    """Return the network of a shipped description, on the CPU; its weights are what memory held.

    Draws no random numbers.
    """
    from ultralytics.nn.tasks import SegmentationModel

    with _Unfilled():
        return SegmentationModel(shipped | {"nc": classes}, nc=classes, verbose=False)


class _Unfilled(TorchFunctionMode):
    """Building without arithmetic: all weights are replaced, and seconds go into their first ones.

    Initialisations do nothing, and convolutions give zeros of the right shape: the pass over a
    blank image that Ultralytics makes in building is to learn the strides.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        if func is torch.conv2d:
            image, weight, _, stride, padding, dilation, _ = args
            size = (
                (side + 2 * pad - gap * (core - 1) - 1) // step + 1
                for side, core, step, pad, gap in zip(
                    image.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True
                )
            )
            return image.new_zeros((image.shape[0], weight.shape[0], *size))
        return func(*args, **kwargs)
