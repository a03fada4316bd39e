"""A training's two files of weights: of the epoch that is on record, each whole."""

from __future__ import annotations

from pathlib import Path

from spineseg.errors import WeightsError
from spineseg.prediction.network_file import load_network

BEST, LAST = "best.pt", "last.pt"


def pending(file: Path, epoch: int) -> Path:
    """Return where an epoch's weights wait until the epoch is on record, and then become `file`."""
    return file.with_name(f"{file.name}.epoch-{epoch}.part")


def settle(folder: Path, epoch: int) -> None:
    """Put the weights of the last epoch on record in their place; what else waits there goes.

    So a kill at any moment leaves the weights of an epoch that is on record, and whole ones.
    """
    for name in (LAST, BEST):
        place = folder / name
        for part in folder.glob(f"{name}.epoch-*.part"):
            if part == pending(place, epoch):
                part.replace(place)
            else:
                part.unlink()


def weights_are_whole(folder: Path, *, with_last: bool = True) -> bool:
    """Return whether the files of weights load; what does not is said, and that all begins anew.

    An earlier version, killed while it wrote over one, left it torn. A training that goes on writes
    its last weights again: `with_last` is for one that is over.
    """
    for name in (BEST, LAST) if with_last else (BEST,):
        try:
            load_network(folder / name)
        except WeightsError as error:
            print(f"{error}: the training begins anew, from epoch 1", flush=True)
            return False
    return True
