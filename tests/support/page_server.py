"""The page to try models on, served for real on a free port, and a browser to look at it with."""

from __future__ import annotations

import json
import shutil
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from spineseg.chosen_model import Chosen
from spineseg.files import sha256_of
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.prediction.segmenter import load_segmenter
from spineseg.serving.app import page_app
from spineseg.serving.offered import Offered
from spineseg.serving.server import bound
from spineseg.training.weights import bundled_weights


def offered(key: str, title: str, image_size_px: int = 224, synthetic: bool = True) -> Offered:
    """Return the bundled network as one of the page's models."""
    path, whole = bundled_weights(), NumberingModel(numbering="sequence")
    source = {"file": path.name}
    chosen = Chosen(path, sha256_of(path), image_size_px, whole, source, synthetic=synthetic)
    segmenter = load_segmenter(chosen.path, image_size_px=image_size_px)
    return Offered(key, title, chosen, segmenter)


class PageServer:
    """A page at work; `ask` speaks to it as anybody may."""

    def __init__(self, models: Sequence[Offered], notes: Sequence[str] = ()) -> None:
        self.socket = bound(0)
        self.port = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(page_app(models, notes), log_level="critical", access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self.socket]})
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._server.handle_exit(signal.SIGTERM, None)
        self._thread.join()
        self.socket.close()

    def ask(
        self, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        """Return status, headers and content of an answer, JSON read."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            named.setdefault("Content-Type", "application/octet-stream")
        request = urllib.request.Request(self.url + path, data=body, headers=named)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, *_read(answer)
        except urllib.error.HTTPError as error:
            return error.code, *_read(error)


def _read(answer: Any) -> tuple[dict[str, str], Any]:
    headers, content = {k.lower(): v for k, v in answer.headers.items()}, answer.read()
    is_json = headers.get("content-type", "").startswith("application/json")
    return headers, json.loads(content) if is_json else content


@contextmanager
def chromium() -> Iterator[Any]:
    """Give a real browser; the test is left out where there is none."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium on this machine: the page cannot be looked at")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def files_under(*folders: Path) -> dict[Path, int]:
    """Return every file under folders and when it was last written, in ns."""
    found = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return {path: path.stat().st_mtime_ns for path in found}
