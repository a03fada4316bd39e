"""A training's files of weights, stripped of the optimizer's state: whole or not at all."""

from __future__ import annotations

from pathlib import Path

from ultralytics.utils.torch_utils import strip_optimizer

from spineseg.errors import WeightsError
from spineseg.files import sync


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
