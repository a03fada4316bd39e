"""The nodes of a Ray cluster as they are now: which of them train with the same code, and slots."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from spineseg.training.devices import CPU, Device
from spineseg.training.executors.full_nodes import FullNodes
from spineseg.training.executors.node import Need, Node
from spineseg.training.executors.node_facts import node_facts
from spineseg.training.slot import Slot

_LOOK_SECONDS = 1.0
_CLOCK_SECONDS = 60.0  # Further apart than that, times of events mislead a reader.
_PROBE_SECONDS = 60.0  # A node starts a process to answer in; a loaded one takes long.
_HELD_SECONDS = 30.0
_STEPS = 10_000  # Ray counts parts of a CPU or GPU in these.


class Nodes:
    """Looks at the cluster at most once a second; a new node is asked before it is used."""

    def __init__(
        self,
        device: str,
        per_device: int,
        folder: Path,
        say: Callable[[str], None],
        names: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare; `device`, `per_device`, `folder` as the config has them; `say` shows a line.

        `names` are what an earlier driver called nodes whose attempts are at work, by their ids.
        """
        self._device, self._per_device, self.say = device, per_device, say
        self.full = FullNodes(folder, self._ask, say)
        self.fetched = 0  # Datasets and weights that nodes were sent.
        self.refused: dict[str, str] = {}  # By a node's id, why it is not used.
        self.offsets: dict[str, float] = {}  # Seconds that a node's clock is ahead, by its name.
        self._names = dict(names or {})  # Of those that are there; by their ids.
        self._asked: dict[str, Any] = {}
        self._fit: set[str] = set()
        self._there: dict[str, Node] = {}
        self._free: Mapping[str, Mapping[str, float]] = {}
        self._looked = -_LOOK_SECONDS
        self._mine = node_facts()
        self._held_since, self._held_seconds = 0.0, _HELD_SECONDS
        self._told_of_waiting = False

    def look(self) -> None:
        """Bring up to date what is there, and what those that were asked have answered."""
        if time.monotonic() - self._looked < _LOOK_SECONDS:
            return
        alive = [told for told in ray.nodes() if told["Alive"]]
        ids = {told["NodeID"] for told in alive}
        self._names = {node: name for node, name in self._names.items() if node in ids}
        self._there = {told["NodeID"]: self._node(told) for told in alive}
        self._free = ray._private.state.available_resources_per_node()
        self._looked = time.monotonic()
        for node in self._there.values():
            if node.id in self._fit or node.id in self.refused or not (node.cpus or node.gpus):
                continue
            if node.id not in self._asked:
                self._asked[node.id] = self.ask(node)
            elif ray.wait([self._asked[node.id]], timeout=0)[0]:
                self._judge(node, self._asked[node.id])

    def wait_for_answers(self, seconds: float) -> None:
        """Wait until every node that is there has answered, at most so long."""
        until = time.monotonic() + seconds
        self.look()
        while self._waiting() and time.monotonic() < until:
            ray.wait(list(self._waiting().values()), timeout=1.0)
            self._looked = -_LOOK_SECONDS
            self.look()
        for node in self._waiting():
            self.say(
                f"node {self._there[node].name}: has not answered yet, and is used once it does"
            )

    def _waiting(self) -> dict[str, Any]:
        settled = self._fit | self.refused.keys()
        return {n: q for n, q in self._asked.items() if n in self._there and n not in settled}

    def named(self, name: str) -> Node | None:
        """Return the node that is called so, where it is there."""
        self.look()
        return next((node for node in self._there.values() if node.name == name), None)

    def with_id(self, node_id: str) -> Node | None:
        """Return the node of this id, where it is there."""
        self.look()
        return self._there.get(node_id)

    def is_there(self, node: Node) -> bool:
        """Return whether a node is there yet, as far as the cluster knows."""
        self.look()
        return node.id in self._there

    def ask(self, node: Node) -> Any:
        """Ask a new process on a node for its versions and time; returns Ray's question."""
        return self._ask(node, node_facts)

    def _ask(self, node: Node, what: Callable[[], Any]) -> Any:
        options = {"num_cpus": 0, "max_retries": 0, "scheduling_strategy": pinned(node)}
        return ray.remote(what).options(**options).remote()

    def answers_yet(self, node: Node) -> Generator[None, Any, bool]:
        """Find out whether a node is there, of a new process on it; yields while it is asked.

        One that is not has no slots until it has answered: Ray counts it as alive for some seconds.
        """
        probe = self.ask(node) if self.is_there(node) else None
        until = time.monotonic() + _PROBE_SECONDS
        while probe is not None and time.monotonic() < until and self.is_there(node):
            if ray.wait([probe], timeout=0)[0]:
                with suppress(RayError):
                    ray.get(probe)
                    return True
                break
            yield None
        self._fit.discard(node.id)
        self._asked.pop(node.id, None)
        return False

    def fetches(self, node: Node, what: str) -> None:
        """Count, and say, that a node is sent what it does not have."""
        self.fetched += 1
        self.say(f"node {node.name}: fetches {what}")

    def slots(self, busy: Collection[str]) -> list[Slot]:
        """Return the slots of all nodes that are fit; those `busy` are this study's own.

        Slots that others of the cluster hold at the moment are left out; but where there is no
        other, one of them is given, to wait in line for: who holds it begins its next training at
        once, and would never leave it to one who looks for free slots.
        """
        self.look()
        slots: list[Slot] = []
        held: list[Slot] = []
        for node in self._used():
            free = dict(self._free.get(node.id, {}))
            need = self.need(node)
            for slot in self._slots_of(node):
                fits = free.get("CPU", 0) >= need.cpus and free.get("GPU", 0) >= need.gpus
                if slot.name not in busy:
                    if not fits:
                        held.append(slot)
                        continue
                    free["CPU"] = free.get("CPU", 0) - need.cpus
                    free["GPU"] = free.get("GPU", 0) - need.gpus
                slots.append(slot)
        self._tell_of_held(len(held))
        return slots or held[:1]

    def tell_of_waiting(self, node: Node, run: str, seconds: float) -> None:
        """Say once that a run waits in line: not at once, as a node starts a process first."""
        if not self._told_of_waiting and seconds > _HELD_SECONDS:
            self._told_of_waiting = True
            self.say(
                f"node {node.name}: {run} waits for its place there, which others of the cluster "
                "may hold (`ray status`); they take turns"
            )

    def _tell_of_held(self, held: int) -> None:
        """Say once that others hold slots: not at once, as what was let go of is free late."""
        self._held_since = (self._held_since or time.monotonic()) if held else 0.0
        if self._held_since and time.monotonic() - self._held_since > self._held_seconds:
            self._held_seconds = math.inf
            self.say(f"{held} slots are held by others of the cluster, and used once they are free")

    def gpus(self) -> int:
        """Return how many GPUs the cluster's nodes have."""
        self.look()
        return sum(node.gpus for node in self._there.values())

    def need(self, node: Node) -> Need:
        """Return what one slot of a node takes of it."""
        count = self._count(node)
        share = node.cpus / count
        cpus = int(share) if share >= 1 else int(share * _STEPS) / _STEPS
        gpus = int(_STEPS / self._per_device) / _STEPS if self._gpus_used(node) else 0
        return Need(cpus, gpus)

    def _used(self) -> list[Node]:
        """Return the nodes that slots are made of: where any has a GPU, those alone."""
        fit = [node for node in self._there.values() if node.id in self._fit]
        fit = [node for node in fit if not self.full.has(node)]
        fit = sorted(fit, key=lambda node: node.name)
        if self._device == "cpu":
            return [node for node in fit if node.cpus]
        with_gpus = [node for node in fit if node.gpus]
        if self._device == "auto":
            return with_gpus or [node for node in fit if node.cpus]
        return with_gpus

    def _gpus_used(self, node: Node) -> int:
        if self._device == "cpu":
            return 0
        named = node.gpus if self._device == "auto" else len(self._device.split(","))
        return min(node.gpus, named)

    def _count(self, node: Node) -> int:
        return max(1, self._gpus_used(node)) * self._per_device

    def _slots_of(self, node: Node) -> list[Slot]:
        count = self._count(node)
        cores = max(1, int(node.cpus / count))
        devices = [Device(str(i), node.gpu_kind) for i in range(self._gpus_used(node))]
        slots = []
        for number in range(1, self._per_device + 1):
            for device in devices or [Device(CPU.name, f"CPU, {node.cpus:g} cores")]:
                kind = f"cuda {device.name}" if devices else CPU.name
                again = "" if number == 1 else f" #{number}"
                name = f"{node.name} {kind}{again}"
                slots.append(Slot(name, device, count, cores, node.name))
        return slots

    def _node(self, told: Mapping[str, Any]) -> Node:
        has = told["Resources"]
        kinds = [key.partition(":")[2] for key in has if key.startswith("accelerator_type:")]
        return Node(
            id=told["NodeID"],
            name=self._name(told),
            cpus=has.get("CPU", 0.0),
            gpus=int(has.get("GPU", 0)),
            gpu_kind=f"GPU {kinds[0]}" if kinds else "a GPU of the cluster",
        )

    def _name(self, told: Mapping[str, Any]) -> str:
        """Return a node's name, else its machine's; a further one of that name has its own."""
        known = self._names.get(told["NodeID"])
        if known is None:
            named = told["NodeName"] != told["NodeManagerAddress"]
            known = told["NodeName"] if named else told["NodeManagerHostname"]
            known = "".join(c if c.isalnum() or c in "._-" else "-" for c in known)
            if known in self._names.values():
                known = f"{known}-{told['NodeID'][:6]}"
            self._names[told["NodeID"]] = known
        return known

    def _judge(self, node: Node, question: Any) -> None:
        """Take a node that answers with the same versions; of any other say why not, once."""
        try:
            self.judge(node, ray.get(question), time.time())
        except RayError as error:
            del self._asked[node.id]  # Asked again, where it is there yet.
            lines = [line for line in str(error).strip().splitlines() if line.strip()]
            why = lines[-1].strip() if lines else type(error).__name__
            if "Error" in why:  # Of the code there, which no second question mends.
                self._refuse(node, f"node {node.name}: cannot be asked for its version ({why})")

    def judge(self, node: Node, told: Mapping[str, Any], now: float) -> None:
        """Take a node that has the same versions, or refuse it; note how far its clock is off."""
        words = {"files": "code"}
        apart = [
            f"{shown} {told.get(shown, 'unknown')} there, {self._mine[shown]} here"
            for key, mine in self._mine.items()
            if key not in ("time", "code") and told.get(key) != mine
            for shown in [words.get(key, key)]
        ]
        if apart:
            self._refuse(node, f"node {node.name}: not used, it has {'; '.join(apart)}")
            return
        self._fit.add(node.id)
        self.offsets[node.name] = offset = told.get("time", now) - now
        if abs(offset) > _CLOCK_SECONDS:
            self.say(
                f"node {node.name}: its clock is {abs(offset):.0f} s "
                f"{'ahead of' if offset > 0 else 'behind'} this machine's; the times of its runs "
                "are its own"
            )

    def _refuse(self, node: Node, why: str) -> None:
        self.refused[node.id] = f"{why}; install the same version there"
        self.say(self.refused[node.id])


def pinned(node: Node) -> NodeAffinitySchedulingStrategy:
    """Return Ray's word for: on this node, or not at all."""
    return NodeAffinitySchedulingStrategy(node.id, soft=False)
