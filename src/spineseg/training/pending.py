"""Weights that wait for their epoch to be on record: a kill at any moment leaves whole ones."""

from __future__ import annotations

from pathlib import Path

BEST, LAST = "best", "last"
"""What a training's files of weights are called, without what says how they are written."""


def pending(file: Path, epoch: int) -> Path:
    """Return where an epoch's weights wait until the epoch is on record, and then become `file`."""
    return file.with_name(f"{file.name}.epoch-{epoch}.part")


def settle(folder: Path, epoch: int) -> None:
    """Put the weights of the last epoch on record in their place; what else waits there goes.

    So a kill at any moment leaves the weights of an epoch that is on record, and whole ones.
    """
    for part in [*folder.glob(f"{LAST}.*.epoch-*.part"), *folder.glob(f"{BEST}.*.epoch-*.part")]:
        place = part.with_name(part.name.partition(".epoch-")[0])
        if part == pending(place, epoch):
            part.replace(place)
        else:
            part.unlink()
