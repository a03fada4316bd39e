"""What an attempt on a node is told, and says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Told:
    """What an attempt on a node is told at its beginning."""

    folder: Path  # Of the node, for data, weights and trainings; ~ is the home there.
    node: str
    study: str
    run: str  # The name of the run's folder.
    job: str  # Its id.
    attempt: int
    on_gpu: bool
    trainer: str  # What a child runs: `module:function`.


@dataclass(frozen=True)
class News:
    """What an attempt says when asked: what is new in its logs, and how it stands."""

    events: bytes  # Whole lines from where they were asked for.
    log: bytes
    more: bool  # Whether there is more of either already.
    alive: bool
    no_space: bool
    ended_by: str
    time: float  # The node's clock.
