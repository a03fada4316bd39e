"""Attempts on this machine: children in slots of its devices; a dead driver's are adopted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from spineseg.config.training import TrainConfig
from spineseg.errors import SpinesegError
from spineseg.events import Epoch
from spineseg.job import Job
from spineseg.training.attempts import told_of_attempt, write_attempt
from spineseg.training.control import ask_to_stop, is_running, let_go_on
from spineseg.training.devices import CPU, Device
from spineseg.training.film_cache import films_bytes, free_bytes
from spineseg.training.launcher import TRAINER, Child, Launcher
from spineseg.training.orders import Orders
from spineseg.training.sharing import Peaks, device_megabytes, fits_machine
from spineseg.training.slot import Slot
from spineseg.workers import cores


class LocalAttempt:
    """A child at work in the run's own folder."""

    lost = is_waiting_for_its_place = False

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
    """This machine: so many trainings at a time on each of its devices.

    With 'auto' one on each, until the first has had a whole epoch; then as many as the device's
    memory holds by what that took (`learn`). Slots are only ever added: which of them a training
    may take beside its neighbours, `may_share` says.
    """

    def __init__(
        self,
        cache: Path,
        devices: Sequence[Device],
        per_device: int | Literal["auto"] = 1,
        trainer: str = TRAINER,
        memory_of: Callable[[Device], float | None] = device_megabytes,
    ) -> None:
        """Prepare; Ultralytics' files go to `cache`, `trainer` is what a child runs.

        `memory_of` gives a device's memory in megabytes, None where that is not known.
        """
        self._launcher = Launcher(cache, trainer)
        self._devices = list(devices)
        # On a CPU two trainings take turns on the same cores: nothing is gained by a second.
        self._finds_out = per_device == "auto" and any(device != CPU for device in devices)
        first = 1 if per_device == "auto" else per_device
        self._on_each = dict.fromkeys((device.name for device in devices), first)
        self._peaks = Peaks()
        self._memory = {d.name: memory_of(d) for d in devices} if self._finds_out else {}

    def slots(self) -> list[Slot]:
        """Return the slots of every device, a device's one after the other's."""
        count = sum(self._on_each[device.name] for device in self._devices)
        return [
            Slot(_slot_name(device, number), device, neighbours=count)
            for number in range(1, max(self._on_each.values(), default=0) + 1)
            for device in self._devices
            if number <= self._on_each[device.name]
        ]

    def learn(self, job: Job, epoch: Epoch) -> str:
        """Take note of what a training takes, by an epoch of it; of runs on record as well.

        Returns a line that says so where a device has more slots for it; else nothing.
        """
        if not self._finds_out or not self._peaks.learn(job.config, epoch, lambda: _films_mb(job)):
            return ""
        machine = fits_machine(
            self._peaks.process_mb, free_bytes() / 2**20, cores(), len(self._devices)
        )
        before = dict(self._on_each)
        for device in self._devices:
            count = min(machine, self._peaks.per_device(self._memory[device.name]))
            if device != CPU and count > before[device.name]:
                self._on_each[device.name] = count
        if self._on_each == before:
            return ""
        told = ", ".join(f"{count} on {name}" for name, count in self._on_each.items())
        return (
            f"trainings at a time from now on: {told}, by the {self._peaks.smallest:,.0f} MB that "
            f"{job.name} took of its device (devices.trials_per_device: auto)"
        )

    def may_share(self, slot: Slot, wanted: TrainConfig, at_work: Sequence[TrainConfig]) -> bool:
        """Return whether a training may begin in a slot beside those `at_work` on its device.

        Always, where a person said how many there are at a time.
        """
        if not self._finds_out or slot.device == CPU:
            return True
        memory = self._memory.get(slot.device.name)
        return self._peaks.may_share(wanted, list(at_work), memory)

    def at_work(self, run_folder: Path) -> Slot | None:
        """Return the slot of the child at work on this run; one that is no more keeps its name."""
        if not is_running(run_folder):
            return None
        told = told_of_attempt(run_folder)
        name = str(told.get("slot", ""))
        known = next((slot for slot in self.slots() if slot.name == name), None)
        return known or Slot(
            name or "unknown", Device(str(told.get("device", CPU.name)), "adopted")
        )

    def start(self, run_folder: Path, orders: Orders, slot: Slot) -> LocalAttempt:
        """Start an attempt at the job in `run_folder`, or adopt the child that is at it already."""
        if not is_running(run_folder):
            told = {"attempt": orders.attempt, "slot": slot.name, "device": slot.device.name}
            write_attempt(run_folder, told | {"neighbours": slot.neighbours})
        orders = replace(orders, neighbours=slot.neighbours, cores=slot.cores)
        return LocalAttempt(self._launcher.start(run_folder, slot.device, orders))

    def close(self) -> None:
        """Do nothing: the server process ends with this one."""


def _films_mb(job: Job) -> float:
    try:
        return films_bytes(job) / 2**20
    except (SpinesegError, OSError, ValueError):  # Its data are gone, or lie on another machine.
        return 0.0


def _slot_name(device: Device, number: int) -> str:
    name = device.name if device == CPU else f"cuda {device.name}"
    return name if number == 1 else f"{name} #{number}"
