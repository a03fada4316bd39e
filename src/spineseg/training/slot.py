"""A place where one training at a time is at work."""

from __future__ import annotations

from dataclasses import dataclass

from spineseg.training.devices import Device


@dataclass(frozen=True)
class Slot:
    """A place where one training at a time is at work."""

    name: str  # Its own among those of an executor: "cpu", "cuda 0", "node-a cuda 1 b".
    device: Device
    neighbours: int = 1  # Trainings at a time on its machine, this one included.
    cores: int = 0  # For each of them; 0: this machine's, shared out.
    node: str = ""  # Of a cluster; empty: this machine.

    @property
    def place(self) -> tuple[str, str]:
        """The device that it shares with other slots: its node and its name there."""
        return self.node, self.device.name
