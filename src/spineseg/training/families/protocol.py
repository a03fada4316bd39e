"""What the child asks of a network's family, whichever it is.

A family is a module beside this one, under its name, with the functions of `Trainings`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from spineseg.config.networks import Family
from spineseg.job import Job
from spineseg.training.drawing import Drawing
from spineseg.training.orders import Orders
from spineseg.training.saved import Saved


class StopRequested(Exception):
    """Training was asked to stop; the weights of the last whole epoch are on disk."""


class NanLoss(Exception):
    """The loss is no longer a number."""


class Training(Protocol):
    """A training at work, between two of its epochs."""

    epoch: int  # The one at hand, from 0.
    epoch_time: float  # Seconds that it took, validation included.
    validation_seconds: float

    def keep(self, said: dict[str, Any]) -> None:
        """Write down the state after an epoch, `said` being its event: from here it can go on."""

    def facts(self) -> Facts:
        """Return what it trains with."""

    def network_now(self) -> Any:
        """Return the network as it is judged after this epoch; predicting by it changes no other.

        Where it is the one that is trained, the next step puts it back into training.
        """


@dataclass(frozen=True)
class Facts:
    """What a training really uses, once it is set up."""

    settings: dict[str, Any]  # Plain values; among them batch, optimizer_used, lr0_used, amp_used.
    parameters: int  # Weights in the network.
    device: str  # 'cpu', or a CUDA device's number in this process.
    device_name: str


@dataclass(frozen=True)
class Hooks:
    """What the child does at the turns of a training."""

    on_start: Callable[[Training], None]
    on_epoch: Callable[[Training, dict[str, float]], None]
    """Called with each finished epoch's figures, under this project's names."""
    stop_asked: Callable[[], bool]
    """Looked at after every batch; a training that is to stop raises StopRequested."""
    may_end_epoch: Callable[[Training], None]
    """Called before an epoch leaves anything behind; may raise StopRequested."""


@dataclass(frozen=True)
class Asked:
    """One training as its family is asked for it."""

    job: Job
    folder: Path  # Where the trainer writes; its weights go into `weights` there.
    device: str  # 'cpu' or the number of a CUDA device in this process.
    orders: Orders
    drawing: Drawing

    @property
    def weights(self) -> Path:
        """The folder of its weights."""
        return self.folder / "weights"


class Trainings(Protocol):
    """What a family's module offers."""

    SUFFIX: str
    """How its files of weights end."""

    def train(self, asked: Asked, saved: Saved | None, hooks: Hooks) -> None:
        """Train, with the weights on disk at the end; begin with what was `saved`, if anything.

        Raises StopRequested, NanLoss, and whatever the trainer raises. Out of memory is raised at
        once rather than met with a smaller batch, since a run of another batch size is not the run
        that was asked for: it may be trained with a split.
        """

    def own_scores(self, asked: Asked, best: Path) -> dict[str, float]:
        """Return the trainer's own scores of the best weights, as trainer/...; none if it has none.

        What it draws of them is drawn meanwhile, by `drawing`.
        """

    def stripped(self, weights: Path) -> None:
        """Leave in a file of weights nothing but them."""


def trainings_of(family: Family) -> Trainings:
    """Return how a family's networks are trained. Raises ConfigError without what that needs."""
    return cast(Trainings, importlib.import_module(f"spineseg.training.families.{family}"))
