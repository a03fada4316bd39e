"""A page as MLflow's artifact viewer shows it: a blob in a frame that may but run scripts."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from page_words import page_of
from report_factory import confirmed_study

VIEWER = """<!doctype html><iframe sandbox="allow-scripts" width="900" height="600"></iframe>
<script>
fetch('report.html').then(answer => answer.blob()).then(blob => {
  document.querySelector('iframe').src = URL.createObjectURL(blob);
});
</script>"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def viewer(tmp_path: Path) -> Iterator[str]:
    page_of(confirmed_study(), tmp_path)
    (tmp_path / "viewer.html").write_text(VIEWER)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/viewer.html"
    server.shutdown()
    server.server_close()


@pytest.mark.wide
def test_the_pages_links_lead_to_their_sections_inside_mlflow(viewer: str) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs chromium on the path")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as runner:
        browser = runner.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(viewer)
        frame = page.frame_locator("iframe")
        section = frame.locator("#cost")
        section.wait_for(state="attached")
        assert section.bounding_box()["y"] > 1000
        frame.locator('nav a[href="#cost"]').click()
        page.wait_for_function("document.querySelector('iframe') !== null")
        assert -5 < section.bounding_box()["y"] - page.locator("iframe").bounding_box()["y"] < 100
        browser.close()
