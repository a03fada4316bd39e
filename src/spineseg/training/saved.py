"""A training's state after an epoch, on file: written whole, and taken up again or refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from spineseg.files import sync

_FORMAT = "spineseg training 1"
"""Raised with every change of what is kept: a file of another version is not taken."""


@dataclass(frozen=True)
class Saved:
    """A training as it was after its last whole epoch."""

    epoch: int  # How many epochs it had trained.
    over: bool  # Whether it had ended of itself, by its patience.
    said: dict[str, Any]  # The epoch's event, which may not have come into the log.
    results: str  # Ultralytics' own table of the epochs; empty of other families.
    state: dict[str, Any]  # Networks, optimiser, scaler and more: for the family that wrote it.


def save(saved: Saved, path: Path, run: str) -> None:
    """Write the state of the training of the run with that id, whole or not at all.

    What the file holds is data: numbers, texts, tensors.
    """
    content = {"format": _FORMAT, "run": run} | {
        name: getattr(saved, name) for name in Saved.__dataclass_fields__
    }
    part = path.with_name(path.name + ".part")
    torch.save(content, part)
    sync(part)
    part.replace(path)


def saved(path: Path, run: str) -> Saved | None:
    """Return what `save` wrote for a run; None without a file.

    None as well, with a line that says why, for a file that is damaged, of another version, of
    another run, or that would run code (nothing of it is run): the training begins anew then.
    """
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if content["format"] != _FORMAT:
            raise ValueError("it is of another version")
        if content["run"] != run:
            raise ValueError("it is another run's")
        return Saved(**{name: content[name] for name in Saved.__dataclass_fields__})
    except Exception as error:  # A damaged file can raise anything.
        why = str(error).strip().splitlines() or [""]
        print(
            f"{path.name} is not taken up ({type(error).__name__}: {why[0][:120]}): the training "
            "begins anew, from epoch 1",
            flush=True,
        )
        return None
