"""Watches whether the head of a Ray cluster is there: without it Ray ends the driver, by an abort.

What is on record stays whole by that, as by any death of the driver; but nobody would say what
happened, nor let go of stores. So it is noticed before, and the study ends in order and in a line.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from spineseg.errors import RunError

LOST_SECONDS = 40.0  # What does not last longer costs nothing (`ray_sending.REACH_SECONDS`).
_LOOK_SECONDS, _ANSWER_SECONDS = 2.0, 5.0
_ORDER_SECONDS = 30.0  # For the driver to end in order; it may wait in Ray for the head itself.
_MENDABLE = 2  # The exit code of what a person can mend (`commands.ending`).


class HeadWatch:
    """A thread that asks for the head every two seconds, until it is closed."""

    def __init__(self, address: str, end: Callable[[int], None] = os._exit) -> None:
        """Begin to watch `address`, HOST:PORT; `end` ends a process that cannot end in order."""
        self._address, self._end = address, end
        self._closing = threading.Event()
        self._lost = threading.Event()
        threading.Thread(target=self._watch, name="head watch", daemon=True).start()

    def refuse_lost(self) -> None:
        """Raise RunError where the head is lost."""
        if self._lost.is_set():
            raise RunError(self._words())

    def close(self) -> None:
        """Watch no more."""
        self._closing.set()

    def _words(self) -> str:
        return (
            f"the head of the Ray cluster at {self._address} has not answered for "
            f"{LOST_SECONDS:.0f} s; start the cluster again and run again: each training goes on "
            "from its last checkpoint here"
        )

    def _watch(self) -> None:
        heard = time.monotonic()
        while time.monotonic() - heard < LOST_SECONDS:
            if self._closing.wait(_LOOK_SECONDS):
                return
            if _answers(self._address):
                heard = time.monotonic()
        self._lost.set()
        if not self._closing.wait(_ORDER_SECONDS):
            with suppress(OSError, ValueError):
                print(f"spineseg: {self._words()}", file=sys.stderr, flush=True)
            self._end(_MENDABLE)  # Locks end with it, and its lease is a dead process's.


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), _ANSWER_SECONDS).close()
    except (OSError, ValueError):
        return False
    return True
