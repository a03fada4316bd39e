"""What a process prints outlives where it goes to: a terminal that is closed, a disk that is full.

A study of days must not end because nobody reads along any more, nor a training because a line of
its log found no room.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

_log: Path | None = None  # Where goes what the closed terminal would have shown; None: nowhere.
_terminals: list[int] = []


class _Lasting(io.FileIO):
    """A descriptor that is written to; an error that is `forgiven` is not raised."""

    def __init__(self, descriptor: int, forgiven: Callable[[Any, OSError], bool]) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self._forgiven = forgiven

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if not self._forgiven(data, error):
                raise
            return len(data)


def _lasting(like: TextIO, raw: io.FileIO) -> TextIO:
    return io.TextIOWrapper(io.BufferedWriter(raw), like.encoding, like.errors, line_buffering=True)


def guard_terminal() -> None:
    """Let what this process prints to a terminal outlive it: once closed, nothing is raised."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None or not stream.isatty():
            continue
        stream.flush()
        _terminals.append(stream.fileno())
        setattr(sys, name, _lasting(stream, _Lasting(stream.fileno(), _off_the_terminal)))


def _off_the_terminal(data: Any, error: OSError) -> bool:
    """Put a file in the place of a terminal that is closed, and the data into that."""
    if error.errno != errno.EIO:
        return False
    try:
        if _log is None:
            raise FileNotFoundError
        place = os.open(_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        said = f"{now}: the terminal is closed; process {os.getpid()} goes on, and speaks here\n"
        os.write(place, said.encode())
    except OSError:
        place = os.open(os.devnull, os.O_WRONLY)
    for descriptor in _terminals:
        os.dup2(place, descriptor, inheritable=True)
    os.close(place)
    with suppress(OSError):
        os.write(_terminals[0], data)
    return True


@contextmanager
def outliving_terminal(log: Path) -> Iterator[None]:
    """Go on, as under `nohup`, when the terminal is closed meanwhile; then say into `log`.

    SIGHUP ends nothing meanwhile, here and in processes that are started here. What is printed
    while `guard_terminal` has not been called is not kept.
    """
    global _log
    _log = log
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN) if main else None
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGHUP, before)


def print_into(log: Path) -> None:
    """Let all that this process prints from now on go to the end of `log`.

    Where the disk is full, lines are dropped, and the next that finds room is preceded by how much
    was: whoever writes what matters will meet the full disk, too.
    """
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        with suppress(OSError, ValueError):
            stream.flush()
        os.dup2(descriptor, number)
        setattr(sys, name, _lasting(stream, _LogOnFullDisk(number)))
    os.close(descriptor)


class _LogOnFullDisk(_Lasting):
    """A log's descriptor: what finds no room is counted, and told once there is some."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, self._drop)
        self._dropped = 0

    def _drop(self, data: Any, error: OSError) -> bool:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        self._dropped += len(data) if full else 0
        return full

    def write(self, data: Any, /) -> int:
        if self._dropped:
            told = f"\n[{self._dropped} bytes of this log found no room on the disk]\n".encode()
            with suppress(OSError):
                os.write(self.fileno(), told)
                self._dropped = 0
        return super().write(data)
