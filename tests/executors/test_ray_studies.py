"""Whole studies on a cluster: each run has its place in turn, and nothing is left at the end."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from fake_process import TRAINER
from fault_study import FaultStudy, write_fault_study
from ray_here import Connect, Machines, epochs, slow_fake
from stopped_studies import STUDY

from spineseg.runs import read_runs
from study import driver

pytestmark = pytest.mark.wide
TEXT = STUDY.replace("confirm: {{top: 1, seeds: 2}}", "confirm: null")


@pytest.fixture
def written(cluster: Machines, tmp_path: Path, empty_stores: Path, nodes: Path) -> FaultStudy:
    """Return a study of a baseline and two variants on a node that has one slot."""
    cluster.only("a")
    devices = f"executor: ray, ray_address: '{cluster.address}', node_folder: {nodes}"
    text = TEXT.replace("device: cpu", f"device: cpu, checkpoint_epochs: 1, {devices}")
    return write_fault_study(tmp_path / "own", empty_stores, text=text, trials=0, epochs=4)


def run(study: FaultStudy) -> bool:
    """Run a study to its end, or until it is interrupted; return whether it got there."""
    import ray

    from spineseg.training.executors.ray_cluster import RayExecutor

    if ray.is_initialized():
        ray.shutdown()
    config = study.config
    executor = RayExecutor(config.devices, study.places.folder, print, TRAINER)
    return driver.run_study(config, study.path, executor)


def assert_nothing_is_at_work(connect: Connect) -> None:
    import ray

    connect()
    end = time.monotonic() + 20
    while left := ray.util.list_named_actors():
        assert time.monotonic() < end, f"at work yet: {left}"
        time.sleep(0.1)


def test_runs_have_the_only_slot_one_after_the_other(
    written: FaultStudy, connect: Connect, nodes: Path
) -> None:
    assert run(written)
    runs = read_runs(written.places.folder)
    assert [found.name for found in runs] == ["baseline", "no-flips", "slow"]
    assert all(found.finished and epochs(found.folder) == [1, 2, 3, 4] for found in runs)
    assert all(len(found.log) == 6 for found in runs), "each was begun once, and ended once"
    assert_nothing_is_at_work(connect)
    assert not list((nodes / "a" / "studies").glob("*/*"))


def test_one_that_is_stopped_leaves_nothing_at_work_and_goes_on(
    written: FaultStudy, connect: Connect, nodes: Path
) -> None:
    slow_fake(nodes, "a", 0.7)
    folder = written.places.folder

    def stop() -> None:
        while not any(len(epochs(found)) >= 2 for found in folder.glob("[0-9]*-*")):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=stop, daemon=True).start()
    assert not run(written)
    (stopped,) = read_runs(folder)
    kept = int((stopped.folder / "train" / "weights" / "resume.pt").read_text())
    assert kept >= epochs(stopped.folder)[-1] >= 2
    assert_nothing_is_at_work(connect)
    slow_fake(nodes, "a", 0.02)
    assert run(written)
    runs = read_runs(folder)
    assert len(runs) == 3 and all(found.finished for found in runs)
    assert [epochs(found.folder) for found in runs] == [[1, 2, 3, 4]] * 3
    assert_nothing_is_at_work(connect)
