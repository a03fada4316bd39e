"""A Ray cluster of several nodes on this machine, and runs that train on it by a fake trainer."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fake_process
import psutil
from run_folders import make_job

from spineseg.config.study import DeviceConfig
from spineseg.config.training import TrainConfig
from spineseg.data.manifest import Dataset
from spineseg.events import Epoch, Event, read_events
from spineseg.job import Job
from spineseg.training.executors.protocol import Attempt, Executor
from spineseg.training.slot import Slot

ROOT = Path(__file__).parents[2]
STORE_BYTES = 100 * 2**20
# A node that does not answer is given up after a quarter of a minute rather than a whole one.
_SOON = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 1000,
    "health_check_timeout_ms": 2000,
}
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


class Machines:
    """A cluster whose head trains nothing; nodes are added and killed."""

    def __init__(self, **environment: str) -> None:
        """Start the head; `environment` is what all nodes' processes have in theirs."""
        from ray.cluster_utils import Cluster

        # Workers import the project and the fake trainer as this process does.
        path = os.pathsep.join(map(str, (ROOT, ROOT / "src", ROOT / "tests" / "support")))
        self.environment = {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"} | environment
        with contextlib.redirect_stdout(None):
            self.cluster = Cluster(
                initialize_head=True,
                head_node_args={"num_cpus": 0, "_system_config": _SOON, **self._options()},
            )
        self.address = str(self.cluster.address)
        self._nodes: dict[str, Any] = {}

    def _options(self, **environment: str) -> dict[str, Any]:
        return {
            "object_store_memory": STORE_BYTES,
            "include_dashboard": False,
            "env_vars": self.environment | environment,
        }

    def add(self, name: str, cpus: float = 1, gpus: int = 0, **environment: str) -> str:
        """Add a node, unless there is one of that name."""
        if name not in self._nodes:
            options = self._options(**environment)
            self._nodes[name] = self.cluster.add_node(
                node_name=name, num_cpus=cpus, num_gpus=gpus, **options
            )
        return name

    def only(self, *names: str) -> None:
        """Have these nodes, of one CPU each, and no other."""
        for name in [name for name in self._nodes if name not in names]:
            self.kill(name)
        for name in names:
            self.add(name)

    def processes(self, name: str) -> list[psutil.Process]:
        """Return the cluster's process on a node, and all that it started."""
        raylet = psutil.Process(self._nodes[name].all_processes["raylet"][0].process.pid)
        return [raylet, *raylet.children(recursive=True)]

    def kill(self, name: str) -> None:
        """End a node as a power cut does: all of its processes at once."""
        doomed = self.processes(name)
        for process in doomed:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.forget(name)

    def forget(self, name: str) -> None:
        """Count a node as gone: it ended by itself."""
        node = self._nodes.pop(name)
        self.cluster.worker_nodes.discard(node)
        node.kill_all_processes(check_alive=False, allow_graceful=False)

    def close(self) -> None:
        """End the cluster."""
        import ray

        ray.shutdown()
        self.cluster.shutdown()


@contextlib.contextmanager
def machines() -> Iterator[Machines]:
    """Give a cluster without any node that trains."""
    found = Machines()
    try:
        yield found
    finally:
        found.close()


def devices(address: str, folder: Path, **more: Any) -> DeviceConfig:
    """Return what a study's config says of the cluster."""
    told = {"executor": "ray", "ray_address": address, "node_folder": folder, "device": "cpu"}
    return DeviceConfig.model_validate(told | {"checkpoint_epochs": 2} | more)


def slot_on(executor: Executor, node: str, seconds: float = 60) -> Slot:
    """Return a free slot on a node, as soon as there is one."""
    end = time.monotonic() + seconds
    while True:
        for slot in executor.slots():
            if slot.node == node:
                return slot
        assert time.monotonic() < end, f"{node} has no slot"
        time.sleep(0.1)


def new_run(folder: Path, dataset: Dataset, epochs: int, **more: Any) -> Path:
    """Write the job of a run in a study's folder; return the run's folder."""
    job = make_job(
        config=TrainConfig(epochs=epochs, lr0=0.01),
        dataset=dataset.folder.resolve(),
        data_fingerprint=dataset.fingerprint,
        **more,
    )
    job.write(folder / job.folder_name)
    return folder / job.folder_name


def slow_fake(node_folder: Path, name: str, epoch_seconds: float) -> None:
    """Let the fake trainer of a node take so long for an epoch."""
    cache = node_folder / name / "ultralytics"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "fake.json").write_text(json.dumps({"epoch_seconds": epoch_seconds}))


def log(run_folder: Path) -> list[Event]:
    """Return what a run's log on the driver's machine says."""
    return read_events(run_folder, Job.read(run_folder).id)


def epochs(run_folder: Path) -> list[int]:
    """Return the epochs in the order in which they were said."""
    return [event.epoch for event in log(run_folder) if isinstance(event, Epoch)]


def until(attempt: Attempt, reached: Callable[[], bool], seconds: float = 120) -> None:
    """Ask an attempt, as the loop does, until something is reached; it must not end before."""
    end = time.monotonic() + seconds
    while not reached():
        assert attempt.is_alive() or reached(), f"it ended: {attempt.ended_by}"
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


def to_the_end(*attempts: Attempt, seconds: float = 120) -> None:
    """Ask attempts, as the loop does, until all are over."""
    end = time.monotonic() + seconds
    while [attempt for attempt in attempts if attempt.is_alive()]:
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


TRAINER = fake_process.TRAINER
Connect = Callable[..., Any]
