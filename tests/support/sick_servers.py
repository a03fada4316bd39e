"""Servers that are not well: one that hangs, and one that answers late, before a real one."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_PIECE_BYTES = 2**16


@contextmanager
def hung_server() -> Iterator[str]:
    """Serve on loopback: connections are taken, and nothing is ever answered."""
    taken: list[socket.socket] = []
    listening = socket.create_server(("127.0.0.1", 0), backlog=128)

    def accept() -> None:
        with suppress(OSError):
            while True:
                taken.append(listening.accept()[0])

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
        for connection in taken:
            connection.close()


class LateServer:
    """Passes all on to a real server, and its answers back, both as late as told."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.delay_seconds = 0.0
        self.bytes_per_second = 0.0  # At which it takes what is sent; 0: as it comes.
        self.later: dict[str, list[float]] = {}  # A request's path -> seconds of its next answers.
        self.held: dict[str, list[float]] = {}  # And seconds before the server hears of them.
        self.asked: list[str] = []
        self.lock = threading.Lock()

    def delay(self, path: str) -> float:
        """Return how late the answer to this request comes, in seconds."""
        return self._next(self.later, path, self.delay_seconds)

    def hold(self, path: str) -> float:
        """Return how late the server hears of this request, in seconds."""
        self.asked.append(path)
        return self._next(self.held, path, 0.0)

    def _next(self, waits: dict[str, list[float]], path: str, otherwise: float) -> float:
        with self.lock:
            found = next((w for key, w in waits.items() if key in path and w), [])
            return found.pop(0) if found else otherwise


@contextmanager
def late_server(late: LateServer) -> Iterator[str]:
    """Serve on loopback what the server behind `late` answers."""

    class Passes(BaseHTTPRequestHandler):
        def _pass(self) -> None:
            body = self._body(int(self.headers.get("Content-Length", 0)))
            time.sleep(late.hold(self.path))
            behind = http.client.HTTPConnection("127.0.0.1", late.port, timeout=60)
            behind.request(self.command, self.path, body, dict(self.headers))
            answer = behind.getresponse()
            content = answer.read()
            behind.close()
            time.sleep(late.delay(self.path))
            with suppress(OSError):  # Whoever asked has given up.
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def _body(self, size: int) -> bytes:
            body = b""
            while late.bytes_per_second and len(body) < size:
                body += self.rfile.read(min(_PIECE_BYTES, size - len(body)))
                time.sleep(_PIECE_BYTES / late.bytes_per_second)
            return body + self.rfile.read(size - len(body))

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Passes)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
