"""Says how far a long look is, every two seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Say = Callable[[str], None]
Item = TypeVar("Item")
_SECONDS = 2.0


def said(items: Iterable[Item], total: int, what: str, say: Say) -> Iterator[Item]:
    """Yield each item; `say` hears "what: 120 of 500" where the last word is two seconds old."""
    last = time.monotonic()
    for number, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= _SECONDS:
            say(f"{what}: {number:,} of {total:,}")
            last = now


@contextmanager
def meanwhile(what: str, say: Say) -> Iterator[None]:
    """Let `say` hear "what: 4 s" every two seconds while something works that tells nothing."""
    over = threading.Event()

    def tell() -> None:
        start = time.monotonic()
        while not over.wait(_SECONDS):
            say(f"{what}: {time.monotonic() - start:.0f} s")

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
