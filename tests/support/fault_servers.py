"""Servers that are ill: one that never answers, and one that lets a real one's answers wait."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from mlflow_server import free_port


class Hung:
    """A server that takes every connection and every request, and answers none."""

    def __init__(self, *, takes: bool = True) -> None:
        """Listen; without `takes` no thread counts: a connection is the kernel's alone."""
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.asked = 0
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", self.port), backlog=4096)
        if takes:
            threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self.asked += 1
                self._open.append(connection)

    def close(self) -> None:
        """Be gone: whoever waits for an answer hears that it will not come."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        for opened in (self._listening, *self._open):
            opened.close()


class Slow:
    """A server in front of another, whose every answer waits for so long."""

    def __init__(self, behind: int, seconds: float) -> None:
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.answers = 0
        self._behind, self._seconds = behind, seconds
        self._listening = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._behind))
                for one, other, is_answer in ((near, far, False), (far, near, True)):
                    work = threading.Thread(
                        target=self._pass_on, args=(one, other, is_answer), daemon=True
                    )
                    work.start()

    def _pass_on(self, one: socket.socket, other: socket.socket, is_answer: bool) -> None:
        """Pass on what one says to the other; an answer begins after a silence."""
        last = 0.0
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                if is_answer and time.monotonic() - last > self._seconds / 10:
                    self.answers += 1
                    time.sleep(self._seconds)
                last = time.monotonic()
                other.sendall(data)
        for opened in (one, other):
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Be gone."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
