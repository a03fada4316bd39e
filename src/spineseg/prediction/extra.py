"""What some families need beside the rest, and a line where it is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from spineseg.config.networks import Family
from spineseg.errors import ConfigError

NEEDING: tuple[Family, ...] = ("mask_rcnn", "mask2former", "sam")
"""Families that are trained with the extra."""
PREDICTING_WITH_TRANSFORMERS: tuple[Family, ...] = ("mask2former", "sam")
"""Families whose networks are transformers'; a Mask R-CNN is torchvision's."""


def has_models() -> bool:
    """Return whether the extra is installed."""
    return bool(find_spec("transformers") and find_spec("accelerate"))


def lacking(network: str) -> ConfigError:
    """Return the error for a network that needs what is not installed."""
    return ConfigError(
        f"{network}: needs transformers, which is not installed; install it with `make setup "
        "EXTRA=models`"
    )


@contextmanager
def needs_models(network: str) -> Iterator[None]:
    """Turn a missing library of the extra into the line that says how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("transformers", "accelerate"):
            raise lacking(network) from None
        raise
