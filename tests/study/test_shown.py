"""A study on a terminal: it ticks, it says what stays, and Ctrl-C leaves a fresh line."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from command import ENVIRONMENT, ROOT
from fake_trainer import FakeLauncher
from small_study import Ended

from spineseg.config.yaml_files import load_study
from spineseg.live_line import shown
from study import driver


class Screen:
    """A pseudo-terminal as standard output, and all that was written to it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._here, there = pty.openpty()
        self.out = os.fdopen(there, "w")
        self._read = bytearray()
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()
        monkeypatch.setattr(sys, "stdout", self.out)
        monkeypatch.setenv("COLUMNS", "60")
        monkeypatch.setenv("TERM", "xterm")

    def _collect(self) -> None:
        while True:
            try:
                data = os.read(self._here, 4096)
            except OSError:
                return
            self._read += data

    def text(self) -> str:
        """Return what stands there at the end, and all that stood there before."""
        self.out.close()
        self._reader.join(5)
        return bytes(self._read).decode()


@pytest.mark.wide
def test_a_study_on_a_terminal_ticks_and_leaves_its_lines(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Screen(monkeypatch)
    config = load_study(path, ["search.trials=1"])
    with shown("starting"):
        driver.run_study(config, path, FakeLauncher())
        print("printed by anyone")
    text = screen.text()
    plain = re.sub(r"\x1b\[[0-9]*[A-Z]", "", text).replace("\r", "\n")
    lines = plain.splitlines()
    assert (
        "study small: 0 of at most 4 trainings ended; time left: known after the first epoch"
        in lines
    )
    assert any(line.startswith("[1/4] baseline completed after 4 epochs") for line in lines)
    assert any(re.match(r"\[4/4\] search-001: (starting|training)", line) for line in lines)
    assert "printed by anyone" in lines
    assert any(line.endswith("…") and len(line) == 60 for line in lines)  # Cut, not broken.
    assert text.endswith("\x1b[2K") or text.endswith("\n")  # Nothing stands on the last line.


@pytest.mark.wide
def test_a_finished_study_says_so_before_anything_slow_is_imported(ended: Ended) -> None:
    code = (
        "import sys, click\nfrom study.cli import main\n"
        "echo = click.echo\n"
        "def heard(text='', **more):\n"
        "    slow = [m for m in ('torch', 'mlflow', 'optuna', 'scipy') if m in sys.modules]\n"
        "    echo(f'{slow} {text}', **more)\n"
        "click.echo = heard\n"
        f"sys.argv = ['spineseg', 'run', {str(ended.path)!r}]\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT
    )
    first, *_, rest = done.stdout.splitlines()
    assert first.startswith("[] study small is finished, nothing left to run: 9 trainings"), done
    assert rest and "\x1b" not in done.stdout


@pytest.mark.wide
def test_whoever_stops_reading_does_not_end_a_study(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = os.pipe()
    os.close(here)
    monkeypatch.setattr(sys, "stdout", os.fdopen(there, "w"))
    monkeypatch.setattr("builtins.print", lambda *words, **more: None)
    launcher = FakeLauncher()
    with shown("starting"):
        assert driver.run_study(load_study(path, ["search.trials=0"]), path, launcher)
    assert launcher.started == ["baseline", "no-flips", "slow"]
