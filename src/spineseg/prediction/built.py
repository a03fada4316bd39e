"""A network by its name, whatever its family: built by the family's own module."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from spineseg.config.networks import family_of


def room_of(architecture: str) -> Any:
    """Return the module that knows the family of a network; YOLO's for a name that is not listed.

    It has `build(architecture, classes)`, which takes further parts for SAM, and `FamilySegmenter`.
    """
    return importlib.import_module(f"spineseg.prediction.{family_of(architecture) or 'yolo'}")


def named(architecture: str, class_names: Sequence[str], **parts: Any) -> Any:
    """Return the network of that name for these classes, its weights drawn at random.

    It carries `architecture` and `names`, as one that was loaded.
    """
    network = room_of(architecture).build(architecture, len(class_names), **parts)
    network.architecture, network.names = architecture, dict(enumerate(class_names))
    return network


def untrained(architecture: str, classes: int, **parts: Any) -> Any:
    """Return the network of that name on the CPU; None where there is none.

    `parts` are networks that are built already and become part of it. Its weights are what memory
    held. Draws no random numbers. Raises ConfigError where what the family needs is not installed.
    """
    import torch

    from spineseg.prediction.unfilled import Unfilled

    with Unfilled(), torch.random.fork_rng(devices=[]):
        return room_of(architecture).build(architecture, classes, **parts)
