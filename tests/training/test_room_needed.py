"""What a real training writes at most is what is said to be needed before it begins."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from stopped_training import CONFIG, write_job

from spineseg.data.merge import Dataset
from spineseg.job import Job
from spineseg.limits.disk import needed_bytes
from spineseg.runs import read_run
from spineseg.training.devices import CPU
from spineseg.training.launcher import Launcher


@pytest.mark.wide
def test_a_training_stays_within_what_it_is_said_to_need(
    launcher: Launcher, dataset: Dataset, tmp_path: Path
) -> None:
    config = CONFIG.with_(weights="random", optimizer="AdamW", epochs=2)
    write_job(tmp_path / "run", dataset, config, None)
    said = needed_bytes(Job.read(tmp_path / "run"), [], copied=False)
    child, most = launcher.start(tmp_path / "run", CPU), 0
    while child.is_alive():
        found = 0
        for path in (tmp_path / "run").rglob("*"):
            try:
                found += path.stat().st_size
            except FileNotFoundError:
                continue
        most = max(most, found)
        time.sleep(0.01)
    (tmp_path / "run").rename(tmp_path / "000-baseline")
    assert read_run(tmp_path / "000-baseline").finished
    assert said / 2 < most <= said, f"{most / 2**20:.0f} of {said / 2**20:.0f} MiB"
