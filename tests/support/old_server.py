"""Stands in for a tracking server: says which MLflow it is, and refuses all else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def refusing_server(version: str | None) -> Iterator[str]:
    """Serve on loopback; without a version it does not know that address."""

    class Answers(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            known = self.path == "/version" and version is not None
            body = version if known else json.dumps({"error_code": "PERMISSION_DENIED"})
            body = (body or "").encode()
            self.send_response(200 if known else 404 if self.path == "/version" else 403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer

        def log_message(self, *_: object) -> None:
            pass

    with served(Answers) as uri:
        yield uri


@contextmanager
def served(answers: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on loopback by a handler; gives the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
