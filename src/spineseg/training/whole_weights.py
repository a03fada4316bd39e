"""Whether a training that is over has left the weights that it says: else it begins anew."""

from __future__ import annotations

from pathlib import Path

from spineseg.errors import WeightsError
from spineseg.prediction.network_file import load_network


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
