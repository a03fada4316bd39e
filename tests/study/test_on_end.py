"""A study's end told: a real command and a real server that take it, refuse it, or hang."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from report_factory import study as made_up_study

from spineseg import notices
from spineseg.config.study import StudyConfig
from spineseg.errors import DataError, InUseError
from spineseg.evidence.promotion import Promotion
from spineseg.on_end import failure_told, tell_finished, tell_promoted
from study.cli import cli

WRITES = "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read()); print('NOISE')"


class Hook:
    """A server that keeps what is posted and answers as its path says."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str | None, dict[str, Any]]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.taken.append((self.path, self.headers["Authorization"], json.loads(body)))
                if "hangs" in self.path:
                    time.sleep(2)
                self.send_response(int(self.path[1:4]) if self.path[1:4].isdigit() else 200)
                self.send_header("Location", "/200")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.server.shutdown()
    hook.server.server_close()


def config(**on_end: object) -> StudyConfig:
    return StudyConfig.model_validate(
        {
            "name": "made-up",
            "data": {"sources": [{"kind": "local", "path": "films"}]},
            "baseline": {},
            "store": {"mlflow_uri": "http://me:secret@mlflow.example:5000?token=hidden"},
            "on_end": on_end or None,
        }
    )


def tell(told: StudyConfig) -> None:
    tell_finished(told, made_up_study(), Path("report.html"))


def said(caplog: pytest.LogCaptureFixture) -> str:
    """Return the one line that was said."""
    (record,) = caplog.records
    assert record.levelno == logging.WARNING and "\n" not in record.getMessage()
    return record.getMessage()


def test_command_and_webhook_get_what_happened(
    tmp_path: Path, hook: Hook, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "told.json"
    command = [sys.executable, "-c", WRITES, str(out)]
    told = config(command=command, webhook=f"http://me:secret@{hook.host}/200?token=hidden")
    tell(told)
    ((path, login, body),) = hook.taken
    assert path == "/200?token=hidden" and login == "Basic bWU6c2VjcmV0"
    assert body == json.loads(out.read_text()) and not capfd.readouterr().out
    assert (body["event"], body["study"], body["synthetic"]) == ("finished", "made-up", False)
    assert body["best"] == {"run": "no-flips", "mask_map50_95": pytest.approx(0.3456)}
    assert body["runs"] == {"completed": 4, "pruned": 1, "failed": 1}
    assert body["answer"] and body["report"] == str(Path("report.html").resolve())
    assert body["mlflow"] == "http://***@mlflow.example:5000"


def test_a_promotion_and_a_failure_are_told(hook: Hook) -> None:
    told = config(webhook=f"http://{hook.host}/")
    verdict = Promotion(
        run="no-flips",
        promoted=True,
        model_name="spine-vertebrae",
        version="3",
        against="baseline",
        gates=(),
        test_opened=True,
        scored=True,
        synthetic=True,
    )
    tell_promoted(told, verdict)
    with pytest.raises(OSError, match="full"), failure_told(told):
        raise OSError("the disk at http://me:secret@host is full")
    promoted, failed = (body for _, _, body in hook.taken)
    assert (promoted["event"], promoted["model"]["version"]) == ("promoted", "3")
    assert (failed["event"], failed["error"]) == ("failed", "the disk at http://***@host is full")


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("import sys; print('NOISE'); sys.exit(3)", "ended with code 3"),
        ("import time; time.sleep(60)", "did not end within"),
        (None, "could not be run (No such file or directory)"),
    ],
)
def test_a_command_that_fails_is_one_line(
    code: str | None,
    line: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notices, "SECONDS", 0.4 if "time" in (code or "") else 20)
    command = [sys.executable, "-c", code] if code else ["no-such-program", "secret"]
    tell(config(command=command))
    assert line in said(caplog) and "secret" not in said(caplog)
    assert not capfd.readouterr().out


@pytest.mark.parametrize(
    ("path", "line"),
    [("500", "answer 500"), ("302", "answer 302"), ("hangs", "no answer within"), ("", "refused")],
)
def test_a_webhook_that_fails_is_tried_once_and_is_one_line_without_secrets(
    path: str,
    line: str,
    hook: Hook,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notices, "SECONDS", 0.3 if path == "hangs" else 20)
    host = hook.host if path else "127.0.0.1:1"
    tell(config(webhook=f"http://me:secret@{host}/{path}?token=hidden"))
    assert line in said(caplog) and len(hook.taken) == bool(path)
    assert "secret" not in said(caplog) and "hidden" not in said(caplog)


def test_a_study_that_cannot_run_tells_so_and_fails_as_ever(tmp_path: Path) -> None:
    out = tmp_path / "told.json"
    path = tmp_path / "small.yaml"
    path.write_text(
        "name: small\ndata: {sources: [{kind: local, path: gone}]}\nbaseline: {weights: random}\n"
        f"on_end: {{command: {json.dumps([sys.executable, '-c', WRITES, str(out)])}}}\n"
        f"store: {{root: {tmp_path / 'mlruns'}}}\n"
    )
    done = CliRunner().invoke(cli, ["run", str(path)])
    body = json.loads(out.read_text())
    assert isinstance(done.exception, DataError) and "NOISE" not in done.output
    assert body["event"] == "failed" and body["error"] == str(done.exception)


def test_a_study_that_another_process_has_at_work_has_not_failed(hook: Hook) -> None:
    told = config(webhook=f"http://{hook.host}/200")
    with pytest.raises(InUseError), failure_told(told):
        raise InUseError("study 'made-up' is being run already")
    with pytest.raises(DataError), failure_told(told):
        raise DataError("gone")
    assert [what["event"] for _, _, what in hook.taken] == ["failed"]
