"""Pictures drawn beside a training, each in a process of its own, while the training goes on.

A process that trains has threads, and what is forked of it may wait for a lock for ever. So a
process is forked before anything is trained, which has none, and each picture by a fork of that.
A picture is drawn in a folder of its own and put in its place whole, whoever is killed meanwhile.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import signal
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

_AT_A_TIME = 2  # The trainings have the other cores.
_MOST_SECONDS = 300  # Of a picture, which takes some; its process is ended then.
_PARTS = ".drawing-"
_FULL = (errno.ENOSPC, errno.EDQUOT)


class _Picture(NamedTuple):
    name: str
    draw: Callable[..., None]  # Called with the folder to draw into, and `given`.
    given: tuple[Any, ...]


class _Missed(NamedTuple):
    name: str
    why: str
    disk_full: bool = False


class Drawing:
    """What draws a run's pictures into one folder; enter it before anything starts a thread.

    At its exit all that was asked for is drawn, or told. Nothing here ends a training: what cannot
    be drawn is counted in `missed`, and printed with its reason. Only a full disk is raised, by
    `finish`.
    """

    def __init__(self, folder: Path) -> None:
        """Begin to draw into `folder`."""
        self.missed = 0
        self._asked: list[str] = []
        for part in folder.glob(f"{_PARTS}*"):  # Of a training that was killed.
            shutil.rmtree(part, ignore_errors=True)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # Or both would print what waits there.
        self._pipe, theirs = Pipe()
        self._process = os.fork()
        if not self._process:
            _serve_alone(theirs, folder)
        theirs.close()

    def __enter__(self) -> Drawing:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # Whatever ended the training says so itself.
            self.finish()

    def draw(self, name: str, draw: Callable[..., None], *given: Any) -> None:
        """Have a picture drawn by `draw(folder, *given)`, a function of a module; never waits."""
        try:
            self._pipe.send(_Picture(name, draw, given))
        except Exception as error:  # Hours of training are worth more than a picture.
            self._miss(_Missed(name, _in_words(error)))
        else:
            self._asked.append(name)

    def finish(self) -> None:
        """Wait until all is drawn, and say what is not. Raises OSError where the disk is full."""
        if self._pipe.closed:
            return
        missed: list[_Missed]
        try:
            self._pipe.send(None)
            missed = self._pipe.recv()
        except (EOFError, OSError):
            missed = [_Missed(name, "what draws was ended") for name in self._asked]
        self._pipe.close()
        os.waitpid(self._process, 0)
        self._asked = []
        if any(each.disk_full for each in missed):
            raise OSError(errno.ENOSPC, "no room for a picture")
        for each in missed:
            self._miss(each)

    def _miss(self, missed: _Missed) -> None:
        self.missed += 1
        print(f"{missed.name} not drawn: {missed.why}", flush=True)


def _serve_alone(pipe: Connection, folder: Path) -> None:
    """Serve to the end, in a fork that lets go of what it inherited, the run's lock above all."""
    try:
        os.closerange(3, pipe.fileno())
        os.closerange(pipe.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
        logging.disable(logging.INFO)
        _serve(pipe, folder)
    finally:
        os._exit(0)


def _serve(pipe: Connection, folder: Path) -> None:
    """Draw what is asked for until None is, and answer what was missed; end with who asked."""
    waiting: deque[_Picture] = deque()
    drawn: dict[Connection, tuple[int, str]] = {}  # Process and picture, by what it answers with.
    missed: list[_Missed] = []
    more = True
    while more or waiting or drawn:
        while waiting and len(drawn) < _AT_A_TIME:
            picture = waiting.popleft()
            answer, process = _begun(picture, folder, pipe)
            drawn[answer] = process, picture.name
        for ready in wait([pipe, *drawn]):
            if ready is pipe:
                try:
                    asked = pipe.recv()
                except EOFError:
                    for process, _ in drawn.values():
                        os.kill(process, signal.SIGKILL)
                    return
                more = asked is not None
                if asked is not None:
                    waiting.append(asked)
            elif isinstance(ready, Connection):
                process, name = drawn.pop(ready)
                try:
                    told = ready.recv()
                except EOFError:
                    told = _Missed(name, "its process was ended")
                    shutil.rmtree(_part(folder, process), ignore_errors=True)
                ready.close()
                os.waitpid(process, 0)
                missed += [told] if told else []
    with suppress(OSError):  # Who asked was killed just now.
        pipe.send(missed)


def _begun(picture: _Picture, folder: Path, pipe: Connection) -> tuple[Connection, int]:
    """Begin a picture in a process of its own; return what it answers with, and its number."""
    answer, theirs = Pipe(duplex=False)
    process = os.fork()
    if process:
        theirs.close()
        return answer, process
    try:
        signal.alarm(_MOST_SECONDS)
        pipe.close()
        answer.close()
        theirs.send(_drawn(picture, folder))
    finally:
        os._exit(0)


def _drawn(picture: _Picture, folder: Path) -> _Missed | None:
    part = _part(folder, os.getpid())
    try:
        part.mkdir(parents=True)
        picture.draw(part, *picture.given)
        files = list(part.iterdir())
        for file in files:
            file.replace(folder / file.name)
    except Exception as error:
        disk_full = isinstance(error, OSError) and error.errno in _FULL
        return _Missed(picture.name, _in_words(error), disk_full)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return None if files else _Missed(picture.name, "nothing came of it")


def _part(folder: Path, process: int) -> Path:
    return folder / f"{_PARTS}{process}"


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
