"""The zip's way here: it breaks, hardly comes, or is something else, and what came is kept."""

from __future__ import annotations

import gzip
import io
import re
import signal
import zipfile
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from roboflow_fetch import SOURCE, child, fetch, place_of, refused
from roboflow_server import Roboflow

from spineseg.data import incoming, retrying, transfer


def spans(service: Roboflow) -> list[str | None]:
    return [span for path, span in service.requests if path.startswith("zip/")]


def films(folder: Path) -> int:
    return len(list(folder.rglob("*.jpg")))


def test_a_broken_transfer_goes_on_within_the_command(tmp_path: Path, service: Roboflow) -> None:
    service.cuts, said = [17_000, 1_000], []
    service.slow.set()
    folder, _ = fetch(tmp_path, said=said)
    assert spans(service) == [None, "bytes=17000-", "bytes=18000-"] and films(folder) == 9
    assert any(line.startswith("going on with w/p v2: 0.0 of") for line in said)


def test_it_is_given_up_after_some_tries_and_the_next_command_goes_on(
    tmp_path: Path, service: Roboflow
) -> None:
    service.cuts = [17_000, 0, 0]
    service.slow.set()
    assert "connection broke" in refused(tmp_path)
    assert len(spans(service)) == 1 + len(retrying.RETRY_SECONDS)
    folder, _ = fetch(tmp_path)
    assert spans(service)[-1] == "bytes=17000-" and films(folder) == 9


def test_tries_that_bring_much_are_not_counted(
    tmp_path: Path, service: Roboflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "ENOUGH_BYTES", 4_000)
    service.cuts = [4_000] * 6
    service.slow.set()
    assert films(fetch(tmp_path)[0]) == 9


def test_a_server_that_falls_silent_is_left_and_asked_again(
    tmp_path: Path, service: Roboflow
) -> None:
    service.cuts, said = [17_000], []
    assert films(fetch(tmp_path, said=said)[0]) == 9
    assert "bytes=17000-" in spans(service) and any("trying again" in line for line in said)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "RATE_WINDOW_SECONDS", 0.3)


@pytest.mark.usefixtures("impatient")
def test_a_trickle_ends_as_a_broken_connection(tmp_path: Path, service: Roboflow) -> None:
    service.trickle_seconds = 0.05
    service.cuts = [100, 0, 0]
    assert re.search(r"sent \d+ bytes in 0 s, less than 1000 a second", refused(tmp_path))
    kept = (place_of(tmp_path) / "v2-yolov11.zip.part").stat().st_size
    assert kept > 100
    assert films(fetch(tmp_path)[0]) == 9 and spans(service)[-1] == f"bytes={kept}-"


@pytest.mark.usefixtures("impatient")
def test_a_trickle_of_the_api_ends_too(tmp_path: Path, service: Roboflow) -> None:
    service.trickle_seconds = 0.05

    def trickle(request: BaseHTTPRequestHandler, path: str) -> bool:
        if path == "w/p/2":
            service.send(request, bytes(5_000), {}, cut=10)
        return path == "w/p/2"

    service.odd = trickle
    assert "less than 1000 a second" in refused(tmp_path)


def test_progress_is_told_in_megabytes_of_the_total(
    tmp_path: Path, service: Roboflow, exported: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "TELL_SECONDS", 0.0)
    service.exports["w/p/2"] = exported + bytes(2_500_000)  # A comment, as zips may have one.
    said: list[str] = []
    refused(tmp_path, said=said)
    total = f"{(len(exported) + 2_500_000) / 1e6:.1f}"
    told = [line for line in said if line.startswith("downloading")]
    assert told[0] == f"downloading w/p v2: 0.0 of {total} MB (0 %)"
    assert told[-1] == f"downloading w/p v2: {total} of {total} MB (100 %)"


def test_progress_is_not_told_at_every_piece(tmp_path: Path, service: Roboflow) -> None:
    said: list[str] = []
    fetch(tmp_path, said=said)
    assert sum(line.startswith("downloading") for line in said) == 1


def test_a_total_that_is_not_told_is_told_as_such(
    tmp_path: Path, service: Roboflow, exported: bytes
) -> None:
    def endless(request: BaseHTTPRequestHandler, path: str) -> bool:
        if path.startswith("zip"):
            request.send_response(200)
            request.end_headers()
            request.wfile.write(exported)
        return path.startswith("zip")

    service.odd, said = endless, []
    assert films(fetch(tmp_path, said=said)[0]) == 9
    assert "downloading w/p v2: 0.0 MB, of a total that the server does not tell" in said


def test_an_address_that_expires_meanwhile_is_asked_for_anew(
    tmp_path: Path, service: Roboflow
) -> None:
    def expire(request: BaseHTTPRequestHandler, path: str) -> bool:
        if len(spans(service)) == 2:
            service.links_valid_from = 3  # The package asks twice for each address.
        return False

    service.cuts, service.odd, said = [17_000], expire, []
    service.slow.set()
    assert films(fetch(tmp_path, said=said)[0]) == 9
    assert spans(service) == [None, "bytes=17000-", "bytes=17000-"] and service.links_given == 4
    assert "the address of w/p v2 is refused (403); asking for another" in said


def test_another_address_is_asked_for_once_only(tmp_path: Path, service: Roboflow) -> None:
    service.links_valid_from = 10**6
    assert "at a fresh address too" in refused(tmp_path)
    assert len(spans(service)) == 2 and service.links_given == 4


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


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_whoever_is_stopped_in_the_middle_is_gone_on_with(
    tmp_path: Path, service: Roboflow, how: signal.Signals
) -> None:
    service.cuts = [17_000]
    process = child(tmp_path)
    assert service.stuck.wait(60)
    part = place_of(tmp_path) / "v2-yolov11.zip.part"
    while not part.exists() or not part.stat().st_size:
        assert process.poll() is None
    process.send_signal(how)
    process.communicate(timeout=60)
    service.slow.set()
    kept = part.stat().st_size
    assert kept > 8_000 and films(fetch(tmp_path, SOURCE)[0]) == 9
    assert spans(service) == [None, f"bytes={kept}-"]
