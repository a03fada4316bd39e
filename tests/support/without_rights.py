"""An MLflow server that lets itself be read and forbids every change of its registry."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

READ = ("/experiments/search", "/server-features")


class _Forbids(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        may = any(self.path.partition("?")[0].endswith(word) for word in READ)
        refusal = {"error_code": "PERMISSION_DENIED", "message": "Permission denied\nfor you"}
        body = json.dumps({} if may else refusal).encode()
        self.send_response(200 if may else 403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@contextmanager
def forbidding() -> Iterator[str]:
    """Give the address of a server that forbids."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Forbids)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
