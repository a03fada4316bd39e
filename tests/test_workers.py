"""Processes that share a task: none outlives the one that it works for."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
from command import ENVIRONMENT

TASK = """
import time
from spineseg.workers import on_all_cores

if __name__ == "__main__":
    list(on_all_cores(time.sleep, [0.01] * 100_000, workers=2))
"""


def test_workers_of_a_killed_process_end(tmp_path: Path) -> None:
    script = tmp_path / "task.py"
    script.write_text(TASK)
    working = subprocess.Popen([sys.executable, str(script)], env=ENVIRONMENT)
    until = time.monotonic() + 60
    while len(family := psutil.Process(working.pid).children()) < 3:  # Two and their tracker.
        assert working.poll() is None and time.monotonic() < until
        time.sleep(0.05)
    time.sleep(1.0)  # They have begun.
    working.kill()
    working.wait()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []
