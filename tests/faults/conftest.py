"""What the tests of faults share: studies of which nothing lives on, and the benchmark."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from command import ENVIRONMENT, ROOT
from fake_process import Manner
from fault_rounds import Killed
from fault_study import SHORT, FaultStudy, Writes, write_fault_study


@pytest.fixture
def written(tmp_path: Path, empty_stores: Path) -> Iterator[Writes]:
    """Write short studies as `write_fault_study` does; end what is left of them."""
    studies: list[FaultStudy] = []

    def write(
        name: str = "study",
        epoch_seconds: float = 0.1,
        baseline_seconds: float | None = None,
        **what: Any,
    ) -> FaultStudy:
        manner = Manner(epoch_seconds, baseline_seconds, workers=1)
        sizes = {"text": SHORT, "manner": manner} | what
        studies.append(write_fault_study(tmp_path / name, empty_stores, **sizes))
        return studies[-1]

    yield write
    for study in studies:
        for process in study.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()


@pytest.fixture
def killed(tmp_path: Path) -> Killed:
    """Kill studies as the benchmark does; it ends with 1 where anything is wrong."""

    def said(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, str(ROOT / "benchmarks" / "faults.py"), *words],
            capture_output=True,
            text=True,
            cwd=tmp_path,  # Its figures are of few studies: they are not for the page.
            env=ENVIRONMENT,
            timeout=3000,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return said
