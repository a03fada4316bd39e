"""Wheels with nothing in them, an index that serves them, a project that `make setup` installs."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).parents[2]
_METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n"
_WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_BACKEND = f"""
import zipfile
def build_editable(folder, settings=None, metadata=None):
    info, name = "spineseg-0.1.0.dist-info", "spineseg-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{{folder}}/{{name}}", "w") as wheel:
        wheel.writestr(f"{{info}}/METADATA", {_METADATA.format("spineseg", "0.1.0")!r})
        wheel.writestr(f"{{info}}/WHEEL", {_WHEEL!r})
        wheel.writestr(f"{{info}}/RECORD", "")
    return name
"""


def fake_wheel(folder: Path, name: str, version: str, size: int = 0) -> Path:
    """Write a wheel of a package that holds nothing but `size` bytes; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    content = {
        f"{name}.bin": bytes(size),
        f"{info}/METADATA": _METADATA.format(name, version).encode(),
        f"{info}/WHEEL": _WHEEL.encode(),
    }
    record = "".join(f"{n},sha256={_digest(data)},{len(data)}\n" for n, data in content.items())
    content[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    with zipfile.ZipFile(path, "w") as wheel:
        for entry, data in content.items():
            wheel.writestr(entry, data)
    return path


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


@contextmanager
def index_of(folder: Path, *, as_json: bool) -> Iterator[str]:
    """Serve the wheels of a folder as an index does, with sizes (JSON) or without; yield where."""

    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = unquote(self.path).strip("/").rpartition("/")[2]
            wheels = sorted(folder.glob(f"{name.replace('-', '_')}-*.whl"))
            if self.path.startswith("/files/"):
                self._answer((folder / name).read_bytes(), "application/octet-stream")
            elif not wheels:
                self.send_error(404)
            elif as_json:
                files = [
                    {
                        "filename": wheel.name,
                        "url": f"http://{self.headers['Host']}/files/{wheel.name}",
                        "size": wheel.stat().st_size,
                        "hashes": {},
                    }
                    for wheel in wheels
                ]
                told = {"meta": {"api-version": "1.1"}, "name": name, "files": files}
                kind = "application/vnd.pypi.simple.v1+json"
                self._answer(json.dumps(told).encode(), kind)
            else:
                links = "".join(f'<a href="/files/{w.name}">{w.name}</a>' for w in wheels)
                self._answer(f"<html><body>{links}</body></html>".encode(), "text/html")

        do_HEAD = do_GET

        def _answer(self, content: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/simple"
    finally:
        server.shutdown()


def small_project(folder: Path, lock: str) -> Path:
    """Write a project that has this one's Makefile and set-up, and a lock file of its own."""
    code = folder / "src" / "spineseg"
    code.mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copy(ROOT / "src" / "spineseg" / "__init__.py", code)
    shutil.copytree(ROOT / "src" / "spineseg" / "installing", code / "installing")
    (folder / "requirements.lock").write_text(lock)
    (folder / "backend.py").write_text(_BACKEND)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    return folder
