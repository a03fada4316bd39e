"""The page's server: a film's bytes in, what `predict` says out, nothing kept."""

from __future__ import annotations

import socket
import sys
import tempfile
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from mixed_films import SPACING, bomb, dicom, grey_film, png, saved
from page_server import PageServer, files_under, offered
from PIL import Image

from spineseg.decoding.decode import decode
from spineseg.errors import ConfigError
from spineseg.prediction.answers import numbered_film
from spineseg.prediction.outlines import prediction_as_json
from spineseg.serving import app
from spineseg.serving.offered import Offered
from spineseg.serving.server import bound, opened


@pytest.fixture(scope="module")
def model() -> Offered:
    """The bundled network as the page's only model."""
    return offered("bundled", "Bundled weights")


@pytest.fixture(scope="module")
def page(model: Offered) -> Iterator[PageServer]:
    """The page at work."""
    server = PageServer([model], ["No champion: none was promoted."])
    yield server
    server.stop()


def test_the_page_loads_from_itself_only_and_is_not_kept(page: PageServer) -> None:
    for path, kind in (
        ("/", "text/html"), ("/page.css", "text/css"), ("/page.js", "text/javascript"),
        ("/drawing.js", "text/javascript"),
    ):  # fmt: skip
        status, headers, content = page.ask(path)
        assert (status, headers["content-type"]) == (200, f"{kind}; charset=utf-8")
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert b"http://" not in content and b"https://" not in content and len(content) > 500


def test_the_models_are_named_with_what_there_is_not(page: PageServer, model: Offered) -> None:
    _, _, said = page.ask("/models")
    assert said["notes"] == ["No champion: none was promoted."]
    (named,) = said["models"]
    assert named["synthetic"] is True and named["weights"] == model.chosen.as_json()
    assert len(said["colours"]) == 26


def test_at_every_confidence_the_slider_says_what_predict_says(
    page: PageServer, model: Offered
) -> None:
    _, _, answer = page.ask("/films", png())
    (found,) = answer["answers"]
    film = decode(png(), Path("film"))
    said = numbered_film(model.segmenter, film, Path("film"), model.chosen.numbering)
    for confidence in np.arange(0.05, 0.96, 0.01).round(2):
        wanted = prediction_as_json(said, float(confidence))["vertebrae"]
        sure = [v for v in found["vertebrae"] if v["exact"] >= confidence]
        assert [{k: v for k, v in row.items() if k != "exact"} for row in sure] == wanted
    assert len(found["vertebrae"]) > 10


def test_a_dicom_film_is_shown_as_it_was_read(page: PageServer) -> None:
    status, _, answer = page.ask("/films", dicom(**SPACING))
    assert status == 200 and answer["conversion"] == "DICOM by its range"
    assert answer["spacing"] == {"row_mm": 0.2, "column_mm": 0.1, "kind": "calibrated"}
    assert answer["answers"][0]["vertebrae"][0]["polygon_mm"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"no image", "is no image that can be read"),
        (bomb(), "is 20000x20000 px"),
        (saved(Image.fromarray(grey_film(0)), "PNG")[:900], "read to its end"),
        (b"/etc/passwd", "is no image that can be read"),
    ],
    ids=["empty", "text", "bomb", "cut", "path"],
)
def test_what_is_no_film_is_answered_in_words(page: PageServer, content: bytes, said: str) -> None:
    status, _, answer = page.ask("/films", content)
    assert status == 422 and said in answer["error"] and "\n" not in answer["error"]
    assert page.ask("/films?suffix=.dcm", b"no image")[2]["error"].startswith("is no DICOM")
    assert page.ask("/films?suffix=../../x", b"no image")[0] == 422


def test_a_film_that_breaks_the_reader_does_not_end_the_page(
    page: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "decoded_film", lambda content, name: 1 / 0)
    status, _, answer = page.ask("/films", png())
    assert (status, answer["error"]) == (500, "this film cannot be answered (ZeroDivisionError)")


def test_more_than_a_film_is_refused_and_not_gathered(
    page: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "MOST_BYTES", 1024**2)
    status, _, answer = page.ask("/films", bytes(1024**2 + 1))
    assert status == 413 and "more than 1 MiB, no film has" in answer["error"]
    with socket.create_connection(("127.0.0.1", page.port), timeout=30) as raw:
        head = b"POST /films HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        raw.sendall(head + b"Content-Type: application/octet-stream\r\n\r\n")
        raw.sendall(b"100001\r\n" + bytes(0x100001) + b"\r\n0\r\n\r\n")  # Its length is not told.
        assert raw.recv(12) == b"HTTP/1.1 413"


def test_another_page_gets_nothing(page: PageServer) -> None:
    assert page.ask("/", Host="evil.example")[0] == 403
    assert page.ask("/films", png(), Origin="http://evil.example")[0] == 403
    for kind in ("text/plain", "multipart/form-data; boundary=x"):  # What a form may send.
        assert page.ask("/films", png(), Content_Type=kind)[0] == 415
    for path in ("/docs", "/openapi.json", "/../app.py", "/page/index.html"):
        assert page.ask(path)[0] == 404


def test_nothing_of_a_film_is_kept(
    page: PageServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    package = Path(app.__file__).parents[1]
    before = files_under(package)
    for content in (png(), dicom(), b"no image"):
        page.ask("/films", content)
    assert files_under(tmp_path) == {}
    after = files_under(package)
    assert {p for p in after if p.suffix != ".pyc"} == {p for p in before if p.suffix != ".pyc"}


def test_without_a_display_no_browser_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(webbrowser, "open", lambda url: pytest.fail("one of text was opened"))
    assert not opened("http://127.0.0.1:1")


def test_a_port_in_use_is_one_line() -> None:
    with bound(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"--port {port}: is in use; choose another, as"):
            bound(port)
