"""What the tests of faults share: empty stores, and that nothing of a study lives on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from fake_process import Manner
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
