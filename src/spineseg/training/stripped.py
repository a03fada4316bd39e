"""A training's weights files: synced, known to be whole, and stripped of what only training needs."""

from __future__ import annotations

import os
from pathlib import Path

from ultralytics.utils.torch_utils import strip_optimizer

from spineseg.errors import WeightsError
from spineseg.prediction.network_file import load_network


def sync(path: Path) -> None:
    """Have a file's content on the disk itself: a rename may outlive what it names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def strip(weights: Path) -> None:
    """Drop the optimizer's state from a file of weights, whole or not at all.

    Ultralytics writes over the file, so a kill meanwhile would lose the weights for good. Raises
    WeightsError where the file holds none.
    """
    part = weights.with_name(f"{weights.name}.part")
    part.unlink(missing_ok=True)
    if not strip_optimizer(str(weights), str(part)):
        raise WeightsError(f"{weights}: holds no weights that can be loaded; train the run again")
    sync(part)
    part.replace(weights)


def weights_are_whole(folder: Path) -> bool:
    """Return whether both files of weights load; what does not is said, and that all begins anew.

    Killed while it wrote over one, an earlier version left it torn.
    """
    for name in ("best.pt", "last.pt"):
        try:
            load_network(folder / name)
        except WeightsError as error:
            print(f"{error}: the training begins anew, from epoch 1", flush=True)
            return False
    return True
