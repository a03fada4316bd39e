"""Whether a training has left the weights that it says: else it begins anew."""

from __future__ import annotations

from pathlib import Path

from spineseg.errors import WeightsError
from spineseg.prediction.network_file import load_network
from spineseg.training.pending import BEST, LAST


def weights_are_whole(folder: Path, suffix: str, *, with_last: bool = True) -> bool:
    """Return whether the files of weights load; what does not is said, and that all begins anew.

    `suffix` is how the files' names end.

    An earlier version, killed while it wrote over one, left it torn. A training that goes on writes
    its last weights again: `with_last` is for one that is over.
    """
    for name in (BEST, LAST) if with_last else (BEST,):
        try:
            load_network(folder / f"{name}{suffix}")
        except WeightsError as error:
            print(f"{error}: the training begins anew, from epoch 1", flush=True)
            return False
    return True
