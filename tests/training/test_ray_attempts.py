"""Attempts on nodes of a real Ray cluster: epochs, files, lost nodes, drivers come and go."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest
from exports import write_export
from merged_data import prepare
from ray_here import (
    TRAINER,
    Machines,
    devices,
    epochs,
    log,
    machines,
    new_run,
    slow_fake,
    to_the_end,
    until,
)

from spineseg.data.manifest import Dataset
from spineseg.events import Finished, Started
from spineseg.training.orders import Orders

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="Ray is not here: make setup EXTRA=ray"
    ),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Machines]:
    with machines() as found:
        yield found


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("data")
    return prepare(folder, write_export(folder / "export", {"train": 4, "valid": 2}))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return tmp_path / "studies" / "small"


@pytest.fixture
def start(cluster: Machines, study: Path, tmp_path: Path):
    """Connect as a driver does; whatever was begun is let go of at the end."""
    from spineseg.training.executors.ray_cluster import RayExecutor

    opened: list[RayExecutor] = []

    def connected(**more: object) -> RayExecutor:
        said: list[str] = []
        config = devices(cluster.address, tmp_path / "nodes", **more)
        executor = RayExecutor(config, study, said.append, TRAINER)
        executor.said = said  # type: ignore[attr-defined]
        opened.append(executor)
        return executor

    yield connected
    import ray

    for executor in opened:
        for attempt, _ in executor._attempts.values():
            if ray.is_initialized():
                ray.kill(attempt._actor)
        executor.close()


def test_a_training_on_a_node_is_here_as_if_it_had_been_here(
    cluster: Machines, study: Path, dataset: Dataset, start
) -> None:
    cluster.add("a")
    executor = start()
    (slot,) = executor.slots()
    assert (slot.name, slot.node, slot.device.name) == ("a cpu", "a", "cpu")
    run = new_run(study, dataset, 5)
    assert executor.at_work(run) is None
    attempt = executor.start(run, Orders(attempt=1), slot)
    assert executor.at_work(run) == slot
    to_the_end(attempt)
    assert epochs(run) == [1, 2, 3, 4, 5] and isinstance(log(run)[-1], Finished)
    assert not attempt.lost and not attempt.found_no_space
    assert (run / "train" / "weights" / "best.pt").is_file()
    assert not (run / "train" / "weights" / "resume.pt").exists()
    assert executor.at_work(run) is None
    assert not list(study.glob(".*")), "nothing is left aside"


def test_a_lost_node_costs_the_epochs_since_the_last_checkpoint(
    cluster: Machines, study: Path, dataset: Dataset, start, tmp_path: Path
) -> None:
    cluster.add("a")
    slow_fake(tmp_path / "nodes", "a", 0.3)
    slow_fake(tmp_path / "nodes", "b", 0.05)
    executor = start()
    run = new_run(study, dataset, 12)
    attempt = executor.start(run, Orders(attempt=1), executor.slots()[0])
    resume = run / "train" / "weights" / "resume.pt"
    until(attempt, lambda: resume.exists() and len(epochs(run)) >= 5)
    cluster.add("b")
    cluster.kill("a")
    to_the_end(attempt)
    assert attempt.lost and attempt.ended_by == "node a is gone"
    kept, said = int(resume.read_text()), epochs(run)[-1]
    assert kept >= said - 2 - 1
    executor._nodes._looked = -10
    while not (slots := executor.slots()):
        pass
    assert [slot.node for slot in slots] == ["b"]
    attempt2 = executor.start(run, Orders(attempt=2), slots[0])
    to_the_end(attempt2)
    assert [e.resumed_from_epoch for e in log(run) if isinstance(e, Started)] == [0, kept]
    assert epochs(run) == [*range(1, said + 1), *range(kept + 1, 13)]
    assert isinstance(log(run)[-1], Finished) and not resume.exists()
