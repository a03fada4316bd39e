"""Attempts on this machine: children in slots of its devices; a dead driver's are adopted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from spineseg.files import write_whole
from spineseg.training.control import ATTEMPT_FILE, ask_to_stop, is_running, let_go_on
from spineseg.training.devices import CPU, Device
from spineseg.training.executors.protocol import Slot
from spineseg.training.launcher import TRAINER, Child, Launcher
from spineseg.training.orders import Orders


class LocalAttempt:
    """A child at work in the run's own folder."""

    lost = False

    def __init__(self, child: Child) -> None:
        self._child = child

    def is_alive(self) -> bool:
        """Return whether it still works; what it says is in its folder already."""
        return self._child.is_alive()

    @property
    def found_no_space(self) -> bool:
        """Whether it ended because the disk was full."""
        return self._child.found_no_space

    @property
    def ended_by(self) -> str:
        """How its process ended, in words; empty where another process started it."""
        return self._child.ended_by

    def let_go_on(self, epochs: int) -> None:
        """Say that after so many epochs its run is worth another one."""
        let_go_on(self._child.run_folder, epochs)

    def ask_to_stop(self, epochs: int) -> None:
        """Ask it to stop after so many epochs, with its best weights evaluated."""
        ask_to_stop(self._child.run_folder, epochs)

    def kill(self) -> None:
        """End it now, adopted or not."""
        self._child.kill()


class LocalExecutor:
    """This machine: so many trainings at a time on each of its devices."""

    def __init__(
        self, cache: Path, devices: Sequence[Device], per_device: int = 1, trainer: str = TRAINER
    ) -> None:
        """Prepare; Ultralytics' files go to `cache`, `trainer` is what a child runs."""
        self._launcher = Launcher(cache, trainer)
        self._devices, self._per_device = list(devices), per_device

    def slots(self) -> list[Slot]:
        """Return the slots of every device, a device's one after the other's."""
        count = len(self._devices) * self._per_device
        return [
            Slot(_slot_name(device, number), device, neighbours=count)
            for number in range(1, self._per_device + 1)
            for device in self._devices
        ]

    def at_work(self, run_folder: Path) -> Slot | None:
        """Return the slot of the child at work on this run; one that is no more keeps its name."""
        if not is_running(run_folder):
            return None
        told = _told(run_folder)
        name = told.get("slot", "")
        known = next((slot for slot in self.slots() if slot.name == name), None)
        return known or Slot(name or "unknown", Device(told.get("device", CPU.name), "adopted"))

    def start(self, run_folder: Path, orders: Orders, slot: Slot) -> LocalAttempt:
        """Start an attempt at the job in `run_folder`, or adopt the child that is at it already."""
        if not is_running(run_folder):
            told = {"attempt": orders.attempt, "slot": slot.name, "device": slot.device.name}
            write_whole(run_folder / ATTEMPT_FILE, json.dumps(told))
        orders = replace(orders, neighbours=slot.neighbours, cores=slot.cores)
        return LocalAttempt(self._launcher.start(run_folder, slot.device, orders))

    def close(self) -> None:
        """Do nothing: the server process ends with this one."""


def _slot_name(device: Device, number: int) -> str:
    name = device.name if device == CPU else f"cuda {device.name}"
    return name if number == 1 else f"{name} #{number}"


def _told(run_folder: Path) -> dict[str, str]:
    try:
        told = json.loads((run_folder / ATTEMPT_FILE).read_text())
        return {key: str(value) for key, value in told.items()}
    except (OSError, ValueError, AttributeError):
        return {}
