"""The key: where it is found, and that it is in no output, file or log."""

from __future__ import annotations

import json
import logging
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from roboflow_fetch import child, fetch, refused
from roboflow_server import KEY, Roboflow
from self_signed import encrypted

from spineseg.errors import DataError

BROKEN = ["{", "[]", "", b"\xff\xfe\x00", "[" * 100_000]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Roboflow's config file, which is not there yet."""
    monkeypatch.setenv("ROBOFLOW_CONFIG_DIR", str(tmp_path / "config.json"))
    return tmp_path / "config.json"


def test_without_a_key_it_says_where_to_get_one(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for empty in (None, "", "  "):
        monkeypatch.delenv("ROBOFLOW_API_KEY", raising=False)
        if empty is not None:
            monkeypatch.setenv("ROBOFLOW_API_KEY", empty)
        with pytest.raises(DataError, match=r"app\.roboflow\.com.*ROBOFLOW_API_KEY"):
            fetch(tmp_path)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("in_environment", [None, ""])
def test_the_key_is_found_in_roboflows_own_file(
    tmp_path: Path,
    service: Roboflow,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    in_environment: str | None,
) -> None:
    monkeypatch.delenv("ROBOFLOW_API_KEY")
    if in_environment is not None:
        monkeypatch.setenv("ROBOFLOW_API_KEY", in_environment)
    login = {"workspaces": {"1": {"url": "w", "apiKey": KEY}}, "RF_WORKSPACE": "w"}
    config.write_text(json.dumps(login))
    assert fetch(tmp_path)[1] == 2
    for broken in (*BROKEN, '{"workspaces": [3]}', '{"RF_WORKSPACE": "w"}'):
        config.write_bytes(broken if isinstance(broken, bytes) else broken.encode())
        assert "config file cannot be read" in refused(tmp_path / "b")


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_config_file_does_not_hide_a_key_that_is_set(
    tmp_path: Path, service: Roboflow, config: Path, broken: str | bytes
) -> None:
    config.write_bytes(broken if isinstance(broken, bytes) else broken.encode())
    process = child(tmp_path)  # The package reads the file when it is first imported.
    text = process.communicate(timeout=60)[0]
    assert process.returncode == 0, text
    assert text.count("going on without it") == 1 and str(config) in text


def test_without_a_home_the_key_is_enough(
    tmp_path: Path, service: Roboflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME")
    process = child(tmp_path)
    text = process.communicate(timeout=60)[0]
    assert process.returncode == 0, text


@pytest.mark.parametrize("key", ["two words", "a&nocache=1", "a#b", "a/../b", "clé", "a\nb"])
def test_what_can_be_no_key_is_refused_and_not_shown(
    tmp_path: Path, service: Roboflow, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("ROBOFLOW_API_KEY", key)
    text = refused(tmp_path)
    assert "no key has" in text and key not in text and service.requests == []


def test_a_log_that_takes_everything_holds_no_key(
    tmp_path: Path, service: Roboflow, caplog: pytest.LogCaptureFixture
) -> None:
    def malformed(request: BaseHTTPRequestHandler, path: str) -> bool:
        if path.startswith("w/p"):  # At this urllib3 warns, with the address.
            request.wfile.write(b"HTTP/1.1 503 Busy\r\nno header\r\n\r\n")
        return path.startswith("w/p")

    caplog.set_level(logging.DEBUG)
    service.odd = malformed
    assert "fault of its own" in refused(tmp_path)
    assert KEY not in caplog.text and "signed-" not in caplog.text
    service.odd = lambda request, path: False
    fetch(tmp_path)
    assert KEY not in caplog.text and "signed-" not in caplog.text


def link_to(service: Roboflow, address: str) -> None:
    answer = json.dumps({"export": {"format": "yolov11", "link": address}}).encode()
    service.body = lambda path: answer if path == "w/p/2/yolov11" else None


def test_a_certificate_that_is_not_trusted_is_named(
    tmp_path: Path, service: Roboflow, exported: bytes
) -> None:
    with encrypted(tmp_path) as address:
        link_to(service, f"{address}/zip")
        assert "certificate of Roboflow's server is not trusted" in refused(tmp_path)


def test_an_encrypted_connection_that_is_none_is_a_break(tmp_path: Path, service: Roboflow) -> None:
    link_to(service, service.url.replace("http", "https"))
    assert "encrypted connection broke" in refused(tmp_path)


def test_a_proxy_is_used_and_one_that_is_gone_is_named(
    tmp_path: Path, service: Roboflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    from roboflow.config import refresh_region_urls

    monkeypatch.setenv("API_URL", "http://api.example.invalid")
    monkeypatch.setenv("HTTP_PROXY", service.url)
    monkeypatch.setenv("http_proxy", service.url)
    refresh_region_urls()
    assert fetch(tmp_path)[1] == 2
    service.close()
    assert "the proxy cannot be reached" in refused(tmp_path / "b")
