"""Weights that wait for their epoch to be on record: a kill at any moment leaves whole ones."""

from __future__ import annotations

from pathlib import Path

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
