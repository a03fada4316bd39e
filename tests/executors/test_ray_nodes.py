"""What a cluster offers: its nodes' slots, and why one is not used, in one line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ray_here import (
    ROOT,
    Connect,
    Machines,
    devices,
    log,
    new_run,
    slot_on,
    to_the_end,
)

from spineseg.data.manifest import Dataset
from spineseg.errors import ConfigError, DataError, SpinesegError
from spineseg.events import Finished
from spineseg.training.orders import Orders

pytestmark = pytest.mark.wide
BUNDLED = ROOT / "src" / "spineseg" / "weights" / "yolo11n-seg-phantom.pt"


def one_line(error: BaseException) -> str:
    assert isinstance(error, SpinesegError) and "\n" not in str(error)
    return str(error)


def test_a_node_with_gpus_has_a_slot_for_each_and_each_training_has_one_of_its_own(
    cluster: Machines, study: Path, films: Dataset, connect: Connect
) -> None:
    cluster.only("a")
    cluster.add("g", cpus=4, gpus=2)
    executor = connect("gpu_told:run_job", device="auto")
    slots = executor.slots()
    assert [slot.name for slot in slots] == ["g cuda 0", "g cuda 1"], "where GPUs are, they alone"
    assert [(slot.node, slot.cores, slot.neighbours) for slot in slots] == [("g", 2, 2)] * 2
    runs = [new_run(study, films, 2, number=i, name=f"n{i}") for i in range(2)]
    to_the_end(*[executor.start(runs[i], Orders(), slots[i]) for i in range(2)])
    told = [(run / "device.txt").read_text() for run in runs]
    assert sorted(told) == ["0, 2 cores, 2 at a time", "1, 2 cores, 2 at a time"]
    assert [slot.name for slot in connect(device="cpu").slots()] == ["a cpu", "g cpu"]
    assert [slot.name for slot in connect(device="1").slots()] == ["g cuda 0"]
    shared = connect(device="auto", trials_per_device=2)
    names = [slot.name for slot in shared.slots()]
    assert names == ["g cuda 0", "g cuda 1", "g cuda 0 #2", "g cuda 1 #2"]
    assert shared._nodes.need(shared._nodes.named("g")).gpus == 0.5
    cluster.kill("g")


def test_gpus_are_asked_for_where_there_are_none(cluster: Machines, connect: Connect) -> None:
    cluster.only("a")
    with pytest.raises(ConfigError, match="'0,1' asks for GPUs, and no node of the cluster"):
        connect(device="0,1")


def test_slots_that_others_hold_are_left_out_and_their_coming_and_going_is_seen(
    cluster: Machines,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    said: list[str],
    study: Path,
    films: Dataset,
) -> None:
    import ray

    from spineseg.training.executors import ray_nodes

    cluster.only("a", "b")
    executor = connect()
    slot_on(executor, "a")
    slot_on(executor, "b")

    @ray.remote(num_cpus=1)
    class Other:
        def ready(self) -> bool:
            return True

    pinned = ray_nodes.pinned(executor._nodes.named("a"))
    other = Other.options(lifetime="detached", name="x", scheduling_strategy=pinned).remote()
    ray.get(other.ready.remote())
    monkeypatch.setattr(executor._nodes, "_held_seconds", 0.5)
    while {slot.node for slot in executor.slots()} != {"b"} or not said:
        time.sleep(0.1)
    assert said == ["1 slots are held by others of the cluster, and used once they are free"]
    (gone,) = executor.slots()
    cluster.kill("b")
    while [slot.node for slot in executor.slots()] != ["a"]:
        time.sleep(0.1)  # Where there is no other, one to wait in line for.
    late = executor.start(new_run(study, films, 2), Orders(), gone)
    assert not late.is_alive() and late.lost and late.ended_by == "node b is gone"
    monkeypatch.setattr(ray_nodes, "_HELD_SECONDS", 0.5)
    waiting = connect()
    said.clear()
    attempt = waiting.start(new_run(study, films, 2, number=1), Orders(), slot_on(waiting, "a"))
    while not said:
        assert attempt.is_alive() and attempt.is_waiting_for_its_place
    (line,) = said
    assert line.startswith("node a: baseline waits for its place there, which others")
    ray.kill(ray.get_actor("x"))
    to_the_end(attempt)
    assert isinstance(log(study / "001-baseline")[-1], Finished)
    assert [told for told in said if "waits" in told] == [line]


def test_a_node_with_another_version_of_the_code_is_named_with_both(
    cluster: Machines, connect: Connect, said: list[str], tmp_path: Path
) -> None:
    from spineseg.training.executors.node_facts import node_facts

    mine = node_facts()["code"]
    other = tmp_path / "other"
    shutil.copytree(
        ROOT / "src" / "spineseg",
        other / "spineseg",
        ignore=shutil.ignore_patterns("__pycache__", "weights"),
    )
    (other / "spineseg" / "__init__.py").write_text('"""Of another time."""\n__version__ = "0.0.9"')
    cluster.only()
    path = os.pathsep.join([str(other), cluster.environment["PYTHONPATH"]])
    cluster.add("old", PYTHONPATH=path)
    theirs = r"node old: not used, it has code 0\.0\.9 \(files [0-9a-f]{8}\) there, "
    line = re.compile(f"{theirs}{re.escape(mine)} here; install the same version there")
    with pytest.raises(ConfigError) as caught:
        connect()
    assert line.match(one_line(caught.value))
    cluster.add("a")
    said.clear()
    executor = connect()
    slot_on(executor, "a")
    assert {slot.node for slot in executor.slots()} == {"a"}
    assert [told for told in said if line.match(told)] == said


def test_a_node_that_does_not_answer_has_no_slot_though_the_cluster_still_counts_it(
    cluster: Machines, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.only("a")
    executor = connect()
    node = executor._nodes.named("a")
    assert node is not None and slot_on(executor, "a").node == "a"
    monkeypatch.setattr("spineseg.training.executors.ray_nodes._PROBE_SECONDS", 0.5)
    raylet = cluster.processes("a")[0]
    raylet.suspend()
    for _ in executor._nodes.answers_yet(node):
        time.sleep(0.05)
    assert executor._nodes.is_there(node) and executor.slots() == []
    raylet.resume()
    assert slot_on(executor, "a").node == "a"


def test_data_that_are_not_what_the_job_asks_for_are_not_trained_on(
    cluster: Machines, study: Path, films: Dataset, connect: Connect, tmp_path: Path
) -> None:
    cluster.only("a")
    executor = connect()
    copy = tmp_path / "copy"
    shutil.copytree(films.folder, copy)
    label = next(copy.glob("train/labels/*.txt"))
    label.chmod(0o644)
    label.write_text(label.read_text() + "\n")
    run = new_run(study, Dataset(copy, films.manifest), 2)
    with pytest.raises(DataError, match="node a: the data that came is not whole") as caught:
        to_the_end(executor.start(run, Orders(), slot_on(executor, "a")))
    assert films.fingerprint[:12] in one_line(caught.value) and log(run) == []


def test_weights_travel_once_and_others_than_the_jobs_are_not_trained_from(
    cluster: Machines, study: Path, films: Dataset, connect: Connect, nodes: Path
) -> None:
    from spineseg.files import sha256_of

    cluster.only("a")
    executor = connect()
    true = {"weights": BUNDLED, "weights_sha256": sha256_of(BUNDLED)}
    for number in range(2):
        run = new_run(study, films, 2, number=number, name=f"n{number}", **true)
        to_the_end(executor.start(run, Orders(), slot_on(executor, "a")))
        assert isinstance(log(run)[-1], Finished)
        assert executor._nodes.fetched == 2, "the data, and the weights"
    (there,) = (nodes / "a" / "weights").glob("*/*.pt")
    assert there.read_bytes() == BUNDLED.read_bytes()
    run = new_run(study, films, 2, number=5, name="n5", weights=BUNDLED, weights_sha256="0" * 64)
    with pytest.raises(DataError, match="node a: the starting weights that came are") as caught:
        to_the_end(executor.start(run, Orders(), slot_on(executor, "a")))
    assert "000000000000 were asked for" in one_line(caught.value)


def test_a_clock_that_is_off_is_told_and_decides_nothing(
    cluster: Machines, connect: Connect, said: list[str]
) -> None:
    cluster.only("a")
    nodes = connect()._nodes
    told = nodes._mine | {"time": time.time() + 90}
    nodes.judge(nodes.named("a"), told, time.time())
    assert said[-1].startswith("node a: its clock is 90 s ahead of this machine's")
    assert nodes.offsets["a"] == pytest.approx(90, abs=5) and not nodes.refused


def test_an_address_that_is_no_cluster_is_one_line_with_the_remedy(
    tmp_path: Path, study: Path
) -> None:
    ray_cluster = pytest.importorskip("spineseg.training.executors.ray_cluster")
    from ray._private.services import find_gcs_addresses

    addresses = {"127.0.0.1:9": "does not answer", "here": "does not answer"}
    if not find_gcs_addresses():  # Else 'auto' finds the cluster of the other tests.
        addresses["auto"] = "is no cluster to be reached from here"
    for address, words in addresses.items():
        with pytest.raises(ConfigError) as caught:
            ray_cluster.RayExecutor(devices(address, tmp_path), study, print)
        assert f"devices.ray_address: '{address}' {words}" in one_line(caught.value)
        assert "ray start --head" in str(caught.value)


def test_one_that_no_driver_asks_any_more_ends_itself() -> None:
    code = """
import time
from pathlib import Path
from spineseg.training.executors import node_attempt as module
module._LOOK_SECONDS, module._UNBEGUN_SECONDS = 0.05, 0.2
from spineseg.training.executors.told import Told
told = Told(Path("nowhere"), "a", "s", "r", "j", 1, False, "x:y")
attempt = module.NodeAttempt(told)
time.sleep(60)
raise SystemExit(7)
"""
    done = subprocess.run([sys.executable, "-c", code], timeout=50, cwd=ROOT / "src")
    assert done.returncode == 0


def test_auto_is_the_cluster_of_this_machine(cluster: Machines, connect: Connect) -> None:
    from ray._private.services import find_gcs_addresses

    if find_gcs_addresses() != {cluster.address}:
        pytest.skip("another cluster is on this machine")
    cluster.only("a")
    assert slot_on(connect(ray_address="auto"), "a")


def test_a_node_that_tells_less_than_this_version_asks_is_refused(
    cluster: Machines, connect: Connect, said: list[str]
) -> None:
    cluster.only("a")
    nodes = connect()._nodes
    told = {key: value for key, value in nodes._mine.items() if key not in ("torch", "time")}
    nodes.judge(nodes.named("a"), told, time.time())
    assert said[-1].startswith("node a: not used, it has torch unknown there, ")
