"""A Ray cluster for studies that are killed, in a process of its own, and what is alive on it.

Whoever starts drivers by forking may have no thread, and Ray has many: so the cluster is made by a
process that hears commands, a line each, and ends the cluster when its parent ends.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from command import ENVIRONMENT, ROOT

CPUS = 2  # Of a node: it may have one slot or two.
_MARK = "SPINESEG_FAULT_CLUSTER"
_END_SECONDS = 60.0


class FaultCluster:
    """A cluster whose head trains nothing; its nodes are killed, and fresh ones come."""

    def __init__(self, folder: Path) -> None:
        """Start it; what its own process says goes to a file in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.mark = str(folder.resolve())
        self._said = folder / "cluster.log"
        paths = ROOT, ROOT / "src", ROOT / "tests" / "support"
        with self._said.open("w") as said:
            self._process = subprocess.Popen(
                [sys.executable, __file__, self.mark],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                env=ENVIRONMENT | {"PYTHONPATH": ":".join(map(str, paths))},
                start_new_session=True,
            )
        self.address = str(self._heard())

    @property
    def raylets(self) -> dict[str, int]:
        """The process that is Ray's of each node, by its name: whoever added it."""
        return dict(self._asked("nodes"))

    def add(self, name: str) -> None:
        """Add a node of that name."""
        self._asked("add", name)

    def kill(self, name: str) -> None:
        """End a node as a power cut does: all of its processes at once."""
        self._asked("kill", name)

    def attempts(self) -> list[psutil.Process]:
        """Return Ray's processes that stand for attempts."""
        found = []
        for raylet in self.raylets.values():
            with contextlib.suppress(psutil.Error):
                found += [p for p in psutil.Process(raylet).children() if is_attempt(p)]
        return found

    def trainings(self) -> list[psutil.Process]:
        """Return what attempts started on any node, there yet or gone: servers and trainings."""
        return [p for p in psutil.process_iter() if _is_training(p, self.mark)]

    def close(self) -> None:
        """End the cluster."""
        with contextlib.suppress(OSError, AssertionError):
            self._asked("close")  # Its input may be open in a fork yet.
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _asked(self, *words: str) -> Any:
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(json.dumps(words) + "\n")
        stdin.flush()
        return self._heard()

    def _heard(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(f"the cluster ended: {self._said.read_text()[-2000:]}")
        return json.loads(line)


@contextmanager
def fault_cluster(folder: Path) -> Iterator[FaultCluster]:
    """Give a cluster without any node that trains."""
    cluster = FaultCluster(folder)
    try:
        yield cluster
    finally:
        cluster.close()


def is_attempt(process: psutil.Process) -> bool:
    """Return whether a process is Ray's that stands for an attempt."""
    # Ray writes what a process is to where its command line stood.
    with contextlib.suppress(psutil.Error):
        return any("NodeAttempt" in word for word in process.cmdline())
    return False


def _is_training(process: psutil.Process, mark: str) -> bool:
    with contextlib.suppress(psutil.Error):
        if process.status() == psutil.STATUS_ZOMBIE or process.environ().get(_MARK) != mark:
            return False
        return any("multiprocessing" in word for word in process.cmdline())
    return False


def _serve(mark: str) -> None:
    """Be the cluster's process: to each command, a line, the nodes are the answer."""
    from ray_here import Machines

    answers = sys.stdout
    sys.stdout = sys.stderr  # Ray speaks, too.

    def answer(what: object) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    machines, raylets = Machines(**{_MARK: mark}), {}
    try:
        answer(machines.address)
        for line in sys.stdin:
            command, *names = json.loads(line)
            if command == "close":
                break
            for name in names:
                if command == "add":
                    machines.add(name, cpus=CPUS)
                    raylets[name] = machines.processes(name)[0].pid
                else:
                    del raylets[name]
                    machines.kill(name)
            answer(raylets)
    finally:
        machines.close()


if __name__ == "__main__":
    _serve(sys.argv[1])
