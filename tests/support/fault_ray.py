"""Studies on a Ray cluster whose trainings are fake, to be stopped anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import psutil
from fake_process import Manner, behave
from fault_cluster import FaultCluster
from fault_study import FaultStudy, write_fault_study
from stopped_studies import STUDY

from spineseg.files import holder
from spineseg.places import LOCK_FILE
from spineseg.runs import read_runs
from spineseg.training.attempts import told_of_attempt

_NO_NODE = "the Ray cluster has no node that can train now"


@dataclass(frozen=True, kw_only=True)
class RayFaultStudy(FaultStudy):
    """A study at work on a cluster that no other study uses meanwhile."""

    cluster: FaultCluster
    manner: Manner

    # What came after the last checkpoint that was fetched goes with its node.
    keeps_all: ClassVar[bool] = False

    @property
    def node_folder(self) -> Path:
        return self.path.parent / "nodes"

    def processes(self) -> list[psutil.Process]:
        """Return what is alive of it besides its driver, on the nodes too."""
        return [*super().processes(), *self.cluster.attempts(), *self.cluster.trainings()]

    def children(self) -> list[psutil.Process]:
        """Return the trainings at work on the nodes."""
        locks = sorted(self.node_folder.glob(f"*/studies/*/*/*/{LOCK_FILE}"))
        return [process for lock in locks if (process := holder(lock))]

    def run_of(self, child: psutil.Process) -> Path:
        """Return the folder, here, of the run that a training is at."""
        return self.places.folder / super().run_of(child).name

    def on(self, node: str) -> list[Path]:
        """Return the folders of the runs, not at their end, whose last attempt was on a node."""
        runs = [run for run in read_runs(self.places.folder) if run.end is None]
        return [run.folder for run in runs if told_of_attempt(run.folder).get("node") == node]

    def ready(self) -> None:
        """Have as many nodes as the study wants: for one slot one, besides the head."""
        names = list(self.cluster.raylets)
        for name in names[self._nodes :]:
            self.cluster.kill(name)
        for name in names[: self._nodes]:
            self._behave(name)
        while len(self.cluster.raylets) < self._nodes:
            self.fresh_node()

    def fresh_node(self) -> None:
        """Add a node that nobody knows."""
        name = f"n{uuid4().hex[:8]}"
        self._behave(name)
        self.cluster.add(name)

    def may_end(self, code: int) -> bool:
        """Return whether a driver may end so: that it found no node, where it died, it may say."""
        return super().may_end(code) or (code == 2 and _NO_NODE in self.said)

    @property
    def _nodes(self) -> int:
        return nodes_of(self.slots)

    def _behave(self, node: str) -> None:
        behave(self.node_folder / node / "ultralytics", self.manner)


def nodes_of(slots: int) -> int:
    """Return how many nodes, besides the head, so many slots are on."""
    return min(2, slots)


def write_ray_study(
    folder: Path,
    stores: Path,
    cluster: FaultCluster,
    *,
    slots: int = 1,
    manner: Manner = Manner(),  # noqa: B008
    text: str = STUDY,
    **what: Any,
) -> RayFaultStudy:
    """Write a study as `write_fault_study` does, at work on the cluster; get its nodes ready."""
    nodes = folder / "nodes"
    asked = f"executor: ray, ray_address: '{cluster.address}', node_folder: {nodes}"
    text = text.replace("device: cpu", f"device: cpu, checkpoint_epochs: 2, {asked}")
    each = slots // nodes_of(slots)
    written = write_fault_study(folder, stores, slots=each, text=text, manner=manner, **what)
    study = RayFaultStudy(written.path, slots, cluster=cluster, manner=manner)
    study.ready()
    return study
