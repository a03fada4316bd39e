"""The zip's way here: it breaks, hardly comes, or is something else, and what came is kept."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from roboflow_fetch import child, fetch, films, place_of, refused, spans
from roboflow_server import Roboflow

from spineseg.data.roboflow import incoming, retrying, transfer


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
    assert re.search(r"sent \d+ bytes in \d+ s, less than 1000 a second", refused(tmp_path))
    kept = (place_of(tmp_path) / "v2-yolov11.zip.part").stat().st_size
    assert kept > 100
    assert films(fetch(tmp_path)[0]) == 9 and spans(service)[-1] == f"bytes={kept}-"


@pytest.mark.parametrize("start", ["zip", "w/p/2"])
def test_a_head_that_trickles_ends_too(
    tmp_path: Path, service: Roboflow, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    monkeypatch.setattr(incoming, "HEAD_SECONDS", 0.4)

    def trickle(request: BaseHTTPRequestHandler, path: str) -> bool:
        while path.startswith(start) and not service.slow.wait(0.05):
            request.wfile.write(b"H")  # Of "HTTP/1.1 200 OK", so to say.
        return path.startswith(start)

    service.odd = trickle
    assert "began no answer" in refused(tmp_path)


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


def test_an_address_that_expires_again_and_again_is_followed_while_bytes_come(
    tmp_path: Path, service: Roboflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def expire(request: BaseHTTPRequestHandler, path: str) -> bool:
        service.links_valid_from = {2: 3, 4: 5}.get(len(spans(service)), service.links_valid_from)
        return False

    monkeypatch.setattr(transfer, "ENOUGH_BYTES", 4_000)
    service.cuts, service.odd = [9_000, 9_000], expire
    service.slow.set()
    assert films(fetch(tmp_path)[0]) == 9
    assert spans(service)[1:] == [f"bytes={n}-" for n in (9000, 9000, 18000, 18000)]


def test_another_address_is_asked_for_once_only(tmp_path: Path, service: Roboflow) -> None:
    service.links_valid_from = 10**6
    assert "at a fresh address too" in refused(tmp_path)
    assert len(spans(service)) == 2 and service.links_given == 4


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
        time.sleep(0.01)
    for _ in range(5):
        process.send_signal(how)
        try:
            process.communicate(timeout=5)
            break
        except subprocess.TimeoutExpired:
            continue  # Python drops an interrupt that comes while it clears something away.
    assert process.returncode
    service.slow.set()
    kept = part.stat().st_size
    assert films(fetch(tmp_path)[0]) == 9
    assert spans(service) == [None, f"bytes={kept}-"]
