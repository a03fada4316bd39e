"""Two studies of one name on one cluster at once: each has its turns, and touches its own alone."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from fault_study import DONE, STOPPED, FaultStudy, begun, until, write_fault_study
from ray_here import Machines, epochs, slow_fake
from stopped_studies import STUDY

from spineseg.events import Lost, Started
from spineseg.runs import read_runs

pytestmark = pytest.mark.wide
TEXT = STUDY.replace("confirm: {{top: 1, seeds: 2}}", "confirm: null")
NAMES = ["baseline", "no-flips", "slow"]
SECONDS = 180


@pytest.fixture
def two(cluster: Machines, tmp_path: Path, empty_stores: Path, nodes: Path) -> list[FaultStudy]:
    """Two studies on a node of one slot."""
    cluster.only("a")
    slow_fake(nodes, "a", 0.5)
    devices = f"executor: ray, ray_address: '{cluster.address}', node_folder: {nodes}"
    text = TEXT.replace("device: cpu", f"device: cpu, checkpoint_epochs: 1, {devices}")
    return [
        write_fault_study(tmp_path / name, empty_stores, text=text, trials=0, epochs=4)
        for name in ("one", "other")
    ]


def assert_whole(study: FaultStudy) -> None:
    runs = read_runs(study.places.folder)
    assert [run.name for run in runs] == NAMES
    assert all(run.finished and epochs(run.folder) == [1, 2, 3, 4] for run in runs)
    assert not [event for run in runs for event in run.log if isinstance(event, Lost)]


def begun_at(study: FaultStudy) -> list[float]:
    runs = read_runs(study.places.folder)
    return [event.time for run in runs for event in run.log if isinstance(event, Started)]


def at_work(study: FaultStudy) -> bool:
    return any(run.end is None and run.epochs for run in read_runs(study.places.folder))


def test_both_take_turns_on_one_slot(two: list[FaultStudy], nodes: Path) -> None:
    one, other = two
    first = begun(one)
    until(lambda: one.places.folder.exists() and at_work(one), SECONDS, first)
    second = begun(other)
    assert [driver.wait(SECONDS) for driver in (first, second)] == [DONE, DONE]
    assert_whole(one)
    assert_whole(other)
    in_line_since = read_runs(other.places.folder)[0].job.created
    has_its_turn = begun_at(other)[0]
    assert len([at for at in begun_at(one) if in_line_since < at < has_its_turn]) <= 1
    assert "no device" not in one.said + other.said
    assert (one.said + other.said).count("waits for its place") <= 2, "each at most once"
    assert not list((nodes / "a" / "studies").glob("*/*"))


def test_ctrl_c_ends_ones_own_alone_in_line_as_at_work(two: list[FaultStudy], nodes: Path) -> None:
    slow_fake(nodes, "a", 1.0)
    one, other = two
    one.path.write_text(one.path.read_text().replace("epochs: 4", "epochs: 60"))
    first = begun(one)
    until(lambda: one.places.folder.exists() and at_work(one), SECONDS, first)
    second = begun(other)
    until(lambda: list(other.places.folder.glob("000-*/attempt.json")), SECONDS, second)
    second.signal(signal.SIGINT)
    assert second.wait(SECONDS) == STOPPED and begun_at(other) == []
    assert first.poll() is None and at_work(one)
    slow_fake(nodes, "a", 0.1)  # For those that begin from now on.
    second = begun(other)
    until(lambda: "[1/3] baseline (taken up again)" in other.said, SECONDS, second)
    first.signal(signal.SIGINT)
    assert first.wait(SECONDS) == STOPPED
    assert second.wait(SECONDS) == DONE
    assert_whole(other)
    assert begun(one).wait(SECONDS) == DONE
    runs = read_runs(one.places.folder)
    assert [run.name for run in runs] == NAMES and all(run.finished for run in runs)
