"""What the tests of faults share: empty stores, and that nothing of a study lives on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from fake_process import Manner
from fault_study import FaultStudy, Writes, write_fault_study


@pytest.fixture
def written(tmp_path: Path, empty_stores: Path) -> Iterator[Writes]:
    """Write studies as `write_fault_study` does, a name each; end what is left of them."""
    studies: list[FaultStudy] = []

    def write(name: str = "study", epoch_seconds: float = 0.1, **what: object) -> FaultStudy:
        manner = Manner(epoch_seconds=epoch_seconds, workers=1)
        study = write_fault_study(tmp_path / name, empty_stores, manner=manner, **what)  # type: ignore[arg-type]
        studies.append(study)
        return study

    yield write
    for study in studies:
        for process in study.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()
