"""A node whose disk is full: it is named with what to do, others go on, nothing torn is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fault_study import DONE, FaultStudy, begun, until, write_fault_study
from ray_here import (
    Connect,
    Machines,
    epochs,
    log,
    new_run,
    slot_on,
    slow_fake,
    to_the_end,
)
from small_disk import grow, small_disk
from stopped_studies import STUDY

from spineseg.data.manifest import Dataset
from spineseg.events import Finished, Lost
from spineseg.runs import read_runs
from spineseg.training.orders import Orders

pytestmark = pytest.mark.wide
FULL = "node a: no space left for "


def fill(folder: Path) -> None:
    """Leave no byte on a disk."""
    with (folder / "filling").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(os.urandom(4096))
        except OSError:
            pass


def test_data_that_do_not_fit_lose_the_attempt_and_are_sent_whole_once_there_is_room(
    cluster: Machines,
    study: Path,
    films: Dataset,
    connect: Connect,
    nodes: Path,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from spineseg.training.executors import full_nodes

    monkeypatch.setattr(full_nodes, "_LOOK_SECONDS", 0.2)
    monkeypatch.setattr(full_nodes, "_ENOUGH_BYTES", 2**20)
    cluster.only("a", "b")
    (nodes / "a").mkdir(parents=True)
    with small_disk(nodes / "a", "32k"):
        executor = connect()
        run = new_run(study, films, 2)
        attempt = executor.start(run, Orders(), slot_on(executor, "a"))
        to_the_end(attempt)
        assert attempt.lost and attempt.ended_by == f"no space left on node a, for {nodes}/a"
        assert not attempt.found_no_space, "the driver's own disk is not meant"
        (line,) = [told for told in said if "no space" in told]
        assert line.startswith(FULL + str(nodes / "a")) and "free some" in line
        assert [slot.node for slot in executor.slots()] == ["b"]
        assert not list((nodes / "a" / "data").glob("merged-*")), "nothing half there in its place"
        grow(nodes / "a", "64m")
        again = executor.start(run, Orders(attempt=2), slot_on(executor, "a"))
        to_the_end(again)
        assert isinstance(log(run)[-1], Finished) and epochs(run) == [1, 2]
        assert "node a: has room again, and is used" in said


def test_a_disk_that_fills_while_a_study_trains_costs_it_a_node_and_nothing_else(
    cluster: Machines, tmp_path: Path, empty_stores: Path, nodes: Path
) -> None:
    cluster.only("a", "b")
    devices = f"executor: ray, ray_address: '{cluster.address}', node_folder: {nodes}"
    text = STUDY.replace("confirm: {{top: 1, seeds: 2}}", "confirm: null")
    text = text.replace("device: cpu", f"device: cpu, checkpoint_epochs: 1, {devices}")
    study = write_fault_study(tmp_path / "own", empty_stores, text=text, trials=0, epochs=6)
    for name in "ab":
        (nodes / name).mkdir(parents=True)
    with small_disk(nodes / "a", "8m"):
        for name in "ab":
            slow_fake(nodes, name, 0.7)
        driver = begun(study)
        until(lambda: said_by(study, "a"), 180, driver)
        fill(nodes / "a")
        assert driver.wait(240) == DONE
        runs = read_runs(study.places.folder)
        assert [run.name for run in runs] == ["baseline", "no-flips", "slow"]
        assert all(run.finished for run in runs)
        assert all(sorted(set(epochs(run.folder))) == [1, 2, 3, 4, 5, 6] for run in runs)
        losses = [event for run in runs for event in run.log if isinstance(event, Lost)]
        (lost,) = losses
        assert lost.message == f"no space left on node a, for {nodes}/a"
        assert study.said.count(FULL) == 1


def said_by(study: FaultStudy, node: str) -> bool:
    """Return whether a run that trains on a node has said an epoch or two."""
    return any(
        f'"node": "{node}"' in told.read_text() and len(epochs(told.parent)) >= 2
        for told in study.places.folder.glob("0*/attempt.json")
    )
