"""Runs one function over many items on all cores; few items run where they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

from spineseg.live_line import counting

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

Item = TypeVar("Item")
Result = TypeVar("Result")
_CHUNK = 16
_shared: ProcessPoolExecutor | None = None


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_all_cores(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    few: int = 0,
    workers: int | None = None,
    name: str = "",
) -> Iterator[Result]:
    """Yield `function` of each item, in order; with up to `few` items no process is started.

    An item is counted as a `name`, where a line is shown.

    Whatever `function` raises is raised here.
    """
    workers = workers or cores()
    if workers == 1 or len(items) <= few:
        yield from counting(map(function, items), len(items), name)
    elif _shared is not None:
        yield from counting(_shared.map(function, items, chunksize=_CHUNK), len(items), name)
    else:
        with _pool(workers) as pool:
            yield from counting(pool.map(function, items, chunksize=_CHUNK), len(items), name)


def _pool(workers: int) -> ProcessPoolExecutor:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    return ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_end_with_parent
    )


def _end_with_parent() -> None:
    """Let this worker end where its parent was killed: of itself it would wait for ever."""
    from multiprocessing import parent_process

    parent = parent_process()
    assert parent is not None  # It is a child.

    def watch() -> None:
        parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()


@contextmanager
def shared_workers() -> Iterator[None]:
    """Let all calls of `on_all_cores` meanwhile share their processes: a start takes a second.

    None is started before one is needed.
    """
    global _shared
    if _shared is not None:
        yield
        return
    with _pool(cores()) as _shared:
        try:
            yield
        finally:
            _shared = None
