"""The head of a cluster is lost: the driver says so in a line, and the next one goes on."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path

import psutil
import pytest
from fault_study import DONE, FaultStudy, begun, until, write_fault_study
from ray_here import Machines, epochs, machines, slow_fake
from stopped_studies import STUDY

from spineseg.errors import RunError
from spineseg.events import Started
from spineseg.runs import read_runs
from spineseg.training.executors import ray_head

pytestmark = pytest.mark.wide


def lose_head(cluster: Machines) -> None:
    """End all of the head's processes at once."""
    for infos in cluster.cluster.head_node.all_processes.values():
        for info in infos:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(info.process.pid).kill()


def written(tmp_path: Path, stores: Path, cluster: Machines, nodes: Path) -> FaultStudy:
    told = f"executor: ray, ray_address: '{cluster.address}', node_folder: {nodes}"
    text = STUDY.replace("confirm: {{top: 1, seeds: 2}}", "confirm: null")
    text = text.replace("device: cpu", f"device: cpu, checkpoint_epochs: 1, {told}")
    return write_fault_study(tmp_path / "own", stores, text=text, trials=0, epochs=30)


def test_a_driver_whose_cluster_loses_its_head_says_so_and_the_next_goes_on(
    tmp_path: Path, empty_stores: Path, nodes: Path
) -> None:
    pytest.importorskip("ray", reason="Ray is not here: make setup EXTRA=ray")
    slow_fake(nodes, "a", 0.5)
    with machines() as cluster:
        cluster.only("a")
        study = written(tmp_path, empty_stores, cluster, nodes)
        driver, folder = begun(study), study.places.folder
        until(lambda: any(len(epochs(f)) >= 3 for f in folder.glob("0*-*")), 180, driver)
        lose_head(cluster)
        assert driver.wait(240) == 2
        (line,) = [line for line in study.said.splitlines() if line.startswith("spineseg: ")]
        assert f"the head of the Ray cluster at {cluster.address} has not answered" in line
        assert "start the cluster again and run again" in line
        address = cluster.address
    slow_fake(nodes, "a", 0.02)
    with machines() as cluster:
        cluster.only("a")
        study.path.write_text(study.path.read_text().replace(address, cluster.address))
        assert begun(study).wait(240) == DONE
    runs = read_runs(folder)
    assert [run.name for run in runs] == ["baseline", "no-flips", "slow"]
    assert all(run.finished for run in runs)
    taken_up = [event for event in runs[0].log if isinstance(event, Started)][-1]
    assert taken_up.attempt == 2 and taken_up.resumed_from_epoch >= 1, "from its last checkpoint"


def test_one_that_cannot_end_in_order_is_ended_with_the_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ray_head, "LOST_SECONDS", 0.2)
    monkeypatch.setattr(ray_head, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(ray_head, "_ORDER_SECONDS", 0.3)
    ended, codes = threading.Event(), []
    with socket.create_server(("127.0.0.1", 0)) as head:
        address = f"127.0.0.1:{head.getsockname()[1]}"
        watch = ray_head.HeadWatch(address, lambda code: (codes.append(code), ended.set())[0])
        assert not ended.wait(0.6)
        watch.refuse_lost()
    assert ended.wait(20) and codes == [2]
    assert f"at {address} has not answered" in capsys.readouterr().err
    with pytest.raises(RunError, match="start the cluster again"):
        watch.refuse_lost()


def test_one_that_is_closed_ends_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_head, "LOST_SECONDS", 0.2)
    monkeypatch.setattr(ray_head, "_LOOK_SECONDS", 0.05)
    codes: list[int] = []
    watch = ray_head.HeadWatch("127.0.0.1:9", codes.append)
    watch.close()
    time.sleep(0.5)
    watch.refuse_lost()
    assert codes == []
