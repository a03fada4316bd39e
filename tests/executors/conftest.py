"""One Ray cluster for all tests here, and drivers that connect to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from exports import write_export
from merged_data import prepare
from ray_here import TRAINER, Connect, Machines, devices, machines

from spineseg.data.manifest import Dataset

if TYPE_CHECKING:
    from spineseg.training.executors.ray_cluster import RayExecutor


@pytest.fixture(scope="session")
def cluster() -> Iterator[Machines]:
    """A cluster; a test says which nodes it is to have."""
    pytest.importorskip("ray", reason="Ray is not here: make setup EXTRA=ray")
    with machines() as found:
        yield found


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A merged dataset of six films."""
    folder = tmp_path_factory.mktemp("data")
    return prepare(folder, write_export(folder / "export", {"train": 4, "valid": 2}))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The folder of a study on the driver's machine."""
    return tmp_path / "studies" / "small"


@pytest.fixture
def nodes(tmp_path: Path) -> Path:
    """Where the nodes keep their files, each in a folder of its name."""
    return tmp_path / "nodes"


@pytest.fixture
def said() -> list[str]:
    """What drivers say."""
    return []


@pytest.fixture
def connect(cluster: Machines, study: Path, nodes: Path, said: list[str]) -> Iterator[Connect]:
    """Connect as a driver does, one after the other; what is at work is ended at the end."""
    import ray

    from spineseg.training.executors import ray_cluster

    opened: list[RayExecutor] = []

    def connected(trainer: str = TRAINER, **more: object) -> RayExecutor:
        if ray.is_initialized():
            ray.shutdown()  # As the one before died.
        config = devices(cluster.address, nodes, **more)
        opened.append(ray_cluster.RayExecutor(config, study, said.append, trainer))
        return opened[-1]

    yield connected
    if opened:
        ray.shutdown()
        ray.init(cluster.address, namespace=ray_cluster.NAMESPACE, log_to_driver=False)
        for name in ray.util.list_named_actors():
            with contextlib.suppress(ValueError):
                ray.kill(ray.get_actor(name))
        ray.shutdown()
