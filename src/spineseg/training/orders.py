"""What an attempt at a run is told beside its job: which one it is, and what it may use."""

from __future__ import annotations

from dataclasses import dataclass

from spineseg.workers import cores


@dataclass(frozen=True)
class Orders:
    """What differs from one attempt at a run to the next; no result hangs on it but by `split`."""

    attempt: int = 1
    split: int = 1  # Parts that a batch is trained in, their gradients added up.
    neighbours: int = 1  # Trainings at a time on its machine, this one included.
    cores: int = 0  # For threads and data-loader workers; 0: its share of the machine's.

    def share_of_cores(self) -> int:
        """Return how many cores it may use, at least one."""
        return max(1, self.cores or cores() // self.neighbours)
