"""What comes is not what was asked for: it is not used, and what came before is not spoilt."""

from __future__ import annotations

import gzip
import io
import zipfile
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from roboflow_fetch import fetch, films, place_of, refused, spans
from roboflow_server import Roboflow


def test_another_file_under_the_same_address_is_fetched_whole(
    tmp_path: Path, service: Roboflow, exported: bytes
) -> None:
    service.cuts = [17_000, 0, 0, 0]
    service.slow.set()
    refused(tmp_path)
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("data.yaml", "names: [C1]")
    service.exports["w/p/2"] = other.getvalue()
    folder, _ = fetch(tmp_path)
    assert spans(service)[-1] == "bytes=17000-"
    assert [path.name for path in folder.iterdir()] == ["data.yaml"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Range": "bytes 0-9/99999"},
        {"Content-Range": "nonsense"},
        {"ETag": '"another"'},
    ],
)
def test_another_part_than_was_asked_for_is_not_used(
    tmp_path: Path, service: Roboflow, headers: dict[str, str]
) -> None:
    service.cuts = [17_000, 0, 0, 0]
    service.slow.set()
    refused(tmp_path)
    service.zip_headers, said = headers, []
    folder, _ = fetch(tmp_path, said=said)
    assert spans(service)[-2:] == ["bytes=17000-", None] and films(folder) == 9
    assert any("another part than was asked for" in line for line in said)


@pytest.mark.parametrize("headers", [{"ETag": ""}, {"ETag": 'W/"weak"'}])
def test_without_a_mark_to_go_by_it_begins_anew(
    tmp_path: Path, service: Roboflow, headers: dict[str, str]
) -> None:
    service.cuts, service.zip_headers = [17_000], headers
    service.slow.set()
    assert films(fetch(tmp_path)[0]) == 9
    assert spans(service) == [None, None]


def test_a_part_that_is_whole_is_not_fetched_again(tmp_path: Path, service: Roboflow) -> None:
    part = place_of(tmp_path) / "v2-yolov11.zip.part"
    service.cuts = [17_000, 0, 0, 0]
    service.slow.set()
    refused(tmp_path)
    part.write_bytes(service.exports["w/p/2"])
    assert films(fetch(tmp_path)[0]) == 9
    assert spans(service)[-1] == f"bytes={len(service.exports['w/p/2'])}-"


def test_a_part_that_is_longer_than_the_file_begins_anew(tmp_path: Path, service: Roboflow) -> None:
    part = place_of(tmp_path) / "v2-yolov11.zip.part"
    service.cuts = [17_000, 0, 0, 0]
    service.slow.set()
    refused(tmp_path)
    part.write_bytes(service.exports["w/p/2"] + b"more")
    assert films(fetch(tmp_path)[0]) == 9 and spans(service)[-1] is None


def test_a_body_that_is_encoded_all_the_same_is_decoded(
    tmp_path: Path, service: Roboflow, exported: bytes
) -> None:
    def encoded(request: BaseHTTPRequestHandler, path: str) -> bool:
        if path.startswith("zip"):
            service.send(request, gzip.compress(exported), {"Content-Encoding": "gzip"})
        return path.startswith("zip")

    service.odd = encoded
    assert films(fetch(tmp_path)[0]) == 9


def test_a_login_page_is_no_zip_and_spoils_nothing(tmp_path: Path, service: Roboflow) -> None:
    service.cuts = [17_000, 0, 0, 0]
    service.slow.set()
    refused(tmp_path)

    def page(request: BaseHTTPRequestHandler, path: str) -> bool:
        if path.startswith("zip"):
            service.send(request, b"<html>log in</html>", {"Content-Type": "text/html"})
        return path.startswith("zip")

    service.odd = page
    assert "what came is no zip (text/html)" in refused(tmp_path)
    service.odd = lambda request, path: False
    assert films(fetch(tmp_path)[0]) == 9 and spans(service)[-1] == "bytes=17000-"


def test_a_length_that_is_too_great_is_a_break_until_all_is_there(
    tmp_path: Path, service: Roboflow, exported: bytes
) -> None:
    service.zip_headers, said = {"Content-Length": str(10**6)}, []
    assert films(fetch(tmp_path, said=said)[0]) == 9
    assert any("connection broke; trying again" in line for line in said)
    assert spans(service) == [None, f"bytes={len(exported)}-"]


def test_a_length_that_is_too_small_is_a_damaged_zip(tmp_path: Path, service: Roboflow) -> None:
    service.zip_headers = {"Content-Length": "9000"}
    assert "truncated or damaged" in refused(tmp_path)
    service.zip_headers = {}
    assert films(fetch(tmp_path)[0]) == 9 and spans(service) == [None, None]


def test_an_address_that_leads_in_circles(tmp_path: Path, service: Roboflow) -> None:
    def circle(request: BaseHTTPRequestHandler, path: str) -> bool:
        if path.startswith("zip"):
            service.send(request, b"", {"Location": request.path}, 302)
        return path.startswith("zip")

    service.odd = circle
    assert "leads in circles" in refused(tmp_path)


def test_a_server_that_could_encode_is_asked_not_to(tmp_path: Path, service: Roboflow) -> None:
    def willing(request: BaseHTTPRequestHandler, path: str) -> bool:
        encode = path.startswith("zip") and "gzip" in request.headers["Accept-Encoding"]
        if encode:
            service.send(request, b"", {}, 406)
        return encode

    service.odd = willing
    assert films(fetch(tmp_path)[0]) == 9
