"""Nodes whose disk is full: left out until somebody has made room there."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError

from spineseg.training.executors.node import Node

_ENOUGH_BYTES = 2**30  # For some data and checkpoints: somebody has made room.
_LOOK_SECONDS = 30.0
_MOST_SECONDS = 3600.0  # A quota's room is not seen from outside: tried again after so long.


@dataclass
class _Full:
    """What is known of a full node."""

    since: float
    times: int  # That it was found so.
    looked: float
    question: Any = None
    is_full: bool = True


class FullNodes:
    """Which nodes of a cluster have no room for trainings, by their ids."""

    def __init__(
        self, folder: Path, ask: Callable[[Node, Any], Any], say: Callable[[str], None]
    ) -> None:
        """Begin with none; `folder` is `devices.node_folder`, and `ask` has work done on a node."""
        self._folder, self._ask, self._say = folder, ask, say
        self._full: dict[str, _Full] = {}

    def found(self, node: Node) -> str:
        """Take note that a node's disk is full, and say so; return it in words, for the record."""
        known = self._full.get(node.id)
        if known is None or not known.is_full:
            now, times = time.monotonic(), known.times + 1 if known else 1
            self._full[node.id] = _Full(now, times, now - _LOOK_SECONDS)
            self._say(
                f"node {node.name}: no space left for {self._folder}/{node.name} there; free some "
                "(its data/ and weights/ may be deleted when nothing trains there). It gets no "
                "training until there is more; what it trained goes on elsewhere, or there"
            )
        return f"no space left on node {node.name}, for {self._folder}/{node.name}"

    def has(self, node: Node) -> bool:
        """Return whether a node's disk is full yet, as far as it has answered; never waits."""
        known = self._full.get(node.id)
        if known is None or not known.is_full:
            return False
        now = time.monotonic()
        if known.question is None and now - known.looked >= _LOOK_SECONDS:
            known.question, known.looked = self._ask(node, room(self._folder / node.name)), now
        elif known.question is not None and ray.wait([known.question], timeout=0)[0]:
            question, known.question = known.question, None
            try:
                free = int(ray.get(question))
            except RayError:  # Asked again; one that is gone is no node any more.
                return True
            full_for = now - known.since
            # Where what is free is no measure, as with a quota, it is not tried ever and again.
            pause = min(_LOOK_SECONDS * 2 ** (known.times - 1), _MOST_SECONDS)
            enough = free >= _ENOUGH_BYTES and full_for >= pause
            if enough or full_for > _MOST_SECONDS:
                known.is_full = False
                self._say(f"node {node.name}: has room again, and is used")
                return False
        return True


def room(folder: Path) -> Callable[[], int]:
    """Return what asks on a node how many bytes are free where trainings lie."""

    def free_bytes() -> int:
        place = folder.expanduser().absolute()
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free

    return free_bytes
