"""`spineseg try` as a person runs it: the page, the port in use, the end by Ctrl-C."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from command import ENVIRONMENT, spineseg
from mlflow_server import free_port
from page_server import files_under

from spineseg.serving.server import bound

wide = pytest.mark.wide


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config of a study that was never run."""
    path = tmp_path / "small.yaml"
    path.write_text(
        "name: small\ndata: {sources: [{kind: local, path: nowhere}]}\n"
        "baseline: {weights: random, optimizer: AdamW}\n"
    )
    return path


@wide
def test_the_page_opens_says_what_there_is_not_and_ends_quietly(
    config: Path, tmp_path: Path
) -> None:
    port, browser = free_port(), tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\necho $1 > {tmp_path / 'opened'}\n")
    browser.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", "study.cli", "try", str(config), "--port", str(port), "--open"],
        cwd=tmp_path,
        env=ENVIRONMENT | {"BROWSER": str(browser)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    lines = []
    while not lines or not lines[-1].startswith("Try the models at"):
        lines.append(process.stdout.readline())
        assert lines[-1], process.communicate()[1]
    assert lines[0].startswith("Bundled weights: weights ") and f"127.0.0.1:{port}" in lines[-1]
    assert any(line.startswith("No champion: ") for line in lines)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/models", timeout=60) as answer:
        said = json.loads(answer.read())
    assert [note + "\n" for note in said["notes"]] == lines[1:-1]
    assert (tmp_path / "opened").read_text() == f"http://127.0.0.1:{port}\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    kept = {path.relative_to(tmp_path).parts[0] for path in files_under(tmp_path)}
    assert kept <= {
        "small.yaml",
        "mlruns",
        "browser",
        "opened",
    }  # Ultralytics' private settings, and no film.


@wide
def test_a_film_that_hangs_in_being_sent_does_not_hold_up_the_end() -> None:
    with bound(0) as listening:
        port = listening.getsockname()[1]
        code = (
            "import socket, sys\n"
            "from spineseg.serving.app import page_app\n"
            "from spineseg.serving.server import serve_page\n"
            "listening = socket.socket(fileno=int(sys.argv[1]))\n"
            "serve_page(page_app([], []), listening, show=False, say=print)\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(listening.fileno())],
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[listening.fileno()],
        )
        with socket.create_connection(("127.0.0.1", port)) as sending:
            sending.sendall(
                f"POST /films HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 1000\r\n"
                "Content-Type: application/octet-stream\r\nExpect: 100-continue\r\n\r\n".encode()
            )
            assert sending.recv(100).startswith(b"HTTP/1.1 100")  # The application waits for more.
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, b"")


@wide
def test_a_port_in_use_is_one_line(config: Path, tmp_path: Path) -> None:
    with bound(0) as taken:
        port = str(taken.getsockname()[1])
        done = spineseg("try", str(config), "--port", port, cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"spineseg: --port {port}: is in use; choose another")
    assert len(done.stderr.splitlines()) == 1
