"""A network built for its shape alone, without the seconds that go into its first weights."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class Unfilled(TorchFunctionMode):
    """Building without arithmetic, where all weights are replaced afterwards.

    Initialisations do nothing, and convolutions give zeros of the right shape: the pass over a
    blank image that Ultralytics makes in building is to learn the strides.
    """

    def __torch_function__(
        self, func: Any, _types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
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
