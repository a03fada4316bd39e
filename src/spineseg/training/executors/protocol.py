"""What the control loop asks of whatever trains: slots, attempts in them, and their words.

The loop reads a run's own folder and nothing else. An executor that trains elsewhere brings what is
said there into that folder, in order, by whole lines; nothing it is asked for waits for a machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from spineseg.config.training import TrainConfig
from spineseg.events import Epoch
from spineseg.job import Job
from spineseg.training.orders import Orders
from spineseg.training.slot import Slot


class Attempt(Protocol):
    """One attempt at a run, at work or over."""

    def is_alive(self) -> bool:
        """Bring what is new into the run's folder; return whether it still works.

        When this is False, all that it ever said lies in the run's folder, its files too.
        """

    @property
    def found_no_space(self) -> bool:
        """Whether it ended because the disk was full."""

    @property
    def ended_by(self) -> str:
        """How it ended, in words; empty where that is not known."""

    @property
    def lost(self) -> bool:
        """Whether its node is gone rather than its process."""

    @property
    def is_waiting_for_its_place(self) -> bool:
        """Whether it could not begin yet, as others hold its place: its silence says nothing."""

    def let_go_on(self, epochs: int) -> None:
        """Say that after so many epochs its run is worth another one."""

    def ask_to_stop(self, epochs: int) -> None:
        """Ask it to stop after so many epochs, with its best weights evaluated."""

    def kill(self) -> None:
        """End it; its last whole epoch stays resumable.

        It has ended when `is_alive` is False. One that is elsewhere is not waited for: it is asked
        on, as what it left is brought home; a second call, later, ends it without that.
        """


class Executor(Protocol):
    """Starts attempts in slots. Raises SpinesegError where it cannot, with the remedy."""

    def slots(self) -> list[Slot]:
        """Return where trainings can be at work now; nodes may come and go."""

    def learn(self, job: Job, epoch: Epoch) -> str:
        """Take note of what a training takes; return a line where there are more slots for it."""

    def may_share(self, slot: Slot, wanted: TrainConfig, at_work: Sequence[TrainConfig]) -> bool:
        """Return whether a training may begin in a slot beside those at work on its device."""

    def at_work(self, run_folder: Path) -> Slot | None:
        """Return the slot in which an attempt at this run is at work, whoever started it."""

    def start(self, run_folder: Path, orders: Orders, slot: Slot) -> Attempt:
        """Start an attempt at the job in `run_folder`, or adopt the one that is at work."""

    def close(self) -> None:
        """Let go of what was opened; attempts that are at work stay at it."""
