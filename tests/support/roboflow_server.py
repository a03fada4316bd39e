"""A local server that answers as Roboflow's API does, with faults to order."""

from __future__ import annotations

import contextlib
import io
import json
import threading
import time
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

KEY = "rfSecret0Key"


def zipped(folder: Path) -> bytes:
    """Return an export as Roboflow zips it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
    return out.getvalue()


class Roboflow:
    """The service: `exports` are zips by `workspace/project/version`.

    `statuses` gives a path's beginning error statuses, one an answer, with `busy_headers`; `cuts`
    ends a zip's transfers after so many bytes each, in silence until `slow` is set, or going on
    with a byte every `trickle_seconds`; `links_valid_from` refuses older addresses of zips;
    `zip_headers` goes over a zip's headers, and `odd` may take an answer over.
    """

    def __init__(self, exports: dict[str, bytes]) -> None:
        self.exports = exports
        self.statuses: dict[str, list[int]] = {}
        self.not_ready = 0
        self.body: Callable[[str], bytes | None] = lambda path: None
        self.busy_headers: dict[str, str] = {}
        self.cuts: list[int] = []
        self.trickle_seconds: float | None = None
        self.links_given, self.links_valid_from = 0, 0
        self.zip_headers: dict[str, str] = {}
        self.odd: Callable[[BaseHTTPRequestHandler, str], bool] = lambda request, path: False
        self.slow = threading.Event()
        self.stuck = threading.Event()
        self.requests: list[tuple[str, str | None]] = []  # path, Range
        self.times: list[float] = []  # When each request came, in seconds.
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.answer(self)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        self.slow.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        address = urlsplit(request.path)
        path = address.path.strip("/")
        self.requests.append((path, request.headers.get("Range")))
        self.times.append(time.monotonic())
        for start, left in self.statuses.items():
            if path.startswith(start) and left:
                error = {"error": f"no, {request.path}"}
                self._json(request, error, left.pop(0), self.busy_headers)
                return
        if self.odd(request, path):
            return
        own = self.body(path)
        if own is not None:
            self.send(request, own, {})
        elif path.startswith("zip/"):
            if int(address.query.rpartition("-")[2]) < self.links_valid_from:
                self._json(request, {"error": "expired"}, 403)
            else:
                self._zip(request, self.exports[path.removeprefix("zip/")])
        elif parse_qs(address.query).get("api_key") != [KEY]:
            self._json(request, {"error": "This API key does not exist"}, 401)
        else:
            self._api(request, path.split("/") if path else [])

    def _api(self, request: BaseHTTPRequestHandler, path: list[str]) -> None:
        if not path:
            self._json(request, {"welcome": "Welcome", "workspace": "someone"})
        elif len(path) == 1:
            self._json(request, {"workspace": {"name": "w", "url": path[0], "projects": []}})
        elif len(path) == 2:
            self._project(request, "/".join(path))
        elif "/".join(path[:3]) not in self.exports:
            self._json(request, {"error": "no such version"}, 404)
        elif len(path) == 3:
            self._json(request, {"version": {"generating": False, "progress": 1, "images": 9}})
        elif self.not_ready:
            self.not_ready -= 1
            self._json(request, {"progress": 0.5}, 202)
        else:
            self.links_given += 1
            link = f"{self.url}/zip/{'/'.join(path[:3])}?key=signed-{self.links_given}"
            self._json(request, {"export": {"format": path[3], "link": link}})

    def _project(self, request: BaseHTTPRequestHandler, name: str) -> None:
        versions = [export for export in self.exports if export.rpartition("/")[0] == name]
        if not versions:
            self._json(request, {"error": "no such project"}, 404)
            return
        facts = {"annotation": "spine", "classes": {}, "colors": {}, "created": 1.7e9, "id": name}
        facts |= {"images": 9, "name": name, "public": True, "splits": {}, "unannotated": 0}
        facts |= {"type": "instance-segmentation", "updated": 1.7e9}
        version = {"augmentation": {}, "created": 1.7e9, "images": 9, "preprocessing": {}}
        version |= {"splits": {}, "exports": []}
        listed = [version | {"id": export} for export in versions]
        self._json(request, {"workspace": {}, "project": facts, "versions": listed})

    def _zip(self, request: BaseHTTPRequestHandler, content: bytes) -> None:
        etag = f'"{hash(content)}"'
        headers = {"ETag": etag, "Content-Length": str(len(content))}
        span, start, status = request.headers.get("Range"), 0, 200
        if span and request.headers.get("If-Range") == etag:
            start, status = int(span.removeprefix("bytes=").rstrip("-")), 206
            if start >= len(content):
                self.send(request, b"", {"Content-Range": f"bytes */{len(content)}"}, 416)
                return
            headers["Content-Length"] = str(len(content) - start)
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        cut = self.cuts.pop(0) if self.cuts else None
        self.send(request, content[start:], headers | self.zip_headers, status, cut)

    def _json(
        self,
        request: BaseHTTPRequestHandler,
        answer: object,
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.send(request, json.dumps(answer).encode(), headers or {}, status)

    def send(
        self,
        request: BaseHTTPRequestHandler,
        content: bytes,
        headers: dict[str, str],
        status: int = 200,
        cut: int | None = None,
    ) -> None:
        """Send an answer; `cut`: bytes after which it breaks."""
        request.send_response_only(status)
        usual = {"Content-Length": str(len(content)), "Date": request.date_time_string()}
        for name, value in (usual | headers).items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content if cut is None else content[:cut])
        if cut is not None:
            request.wfile.flush()
            self.stuck.set()
            self._break(request, content[cut:])
            request.close_connection = True

    def _break(self, request: BaseHTTPRequestHandler, rest: bytes) -> None:
        if self.trickle_seconds is None:
            self.slow.wait(30)
            return
        with contextlib.suppress(OSError):  # Whoever asked has left.
            for byte in rest:
                request.wfile.write(bytes([byte]))
                request.wfile.flush()
                if self.slow.wait(self.trickle_seconds):
                    return
