"""What a dead driver left at work, ended where the next one does not come to take it up."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from spineseg.places import StudyPlaces
from spineseg.training.attempts import attempt_on_record
from spineseg.training.executors.protocol import Executor
from spineseg.training.orders import Orders


@contextmanager
def ending_all_on_signals(executor: Callable[[], Executor], places: StudyPlaces) -> Iterator[None]:
    """End what an earlier driver left at work where Ctrl-C or SIGTERM comes before it is taken up.

    `executor` gives, or makes, the one of the study.
    """

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, stop) if in_main else None
    try:
        yield
    except KeyboardInterrupt:
        end_left(executor(), places)
        raise
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


@contextmanager
def ending_left_on_errors(executor: Executor, places: StudyPlaces) -> Iterator[None]:
    """End what an earlier driver left at work where taking it up fails: nobody would hear it."""
    try:
        yield
    except BaseException:
        end_left(executor, places)
        raise


def end_left(executor: Executor, places: StudyPlaces) -> None:
    """End what is at work in a study's folders, whoever started it."""
    for folder in sorted(places.folder.glob("[0-9]*-*")):
        if slot := executor.at_work(folder):
            orders = Orders(attempt=max(1, attempt_on_record(folder)))
            executor.start(folder, orders, slot).kill()
