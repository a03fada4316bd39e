"""Attempts on the nodes of a Ray cluster: one named actor each, which outlives its driver."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Before Ray is imported: it tells nobody.
# And it waits for a lost head for longer than this project does (`ray_head`), which ends in order.
os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", "300")

import ray

from spineseg.config.study import DeviceConfig
from spineseg.config.training import TrainConfig
from spineseg.errors import ConfigError, RecordError, RunError
from spineseg.events import Epoch, Failed, Finished, read_events
from spineseg.job import Job
from spineseg.training.attempts import told_of_attempt, write_attempt
from spineseg.training.control import LOG_FILE
from spineseg.training.devices import Device
from spineseg.training.executors.never_begun import NeverBegun
from spineseg.training.executors.node import Node
from spineseg.training.executors.node_attempt import NodeAttempt
from spineseg.training.executors.ray_attempt import RayAttempt
from spineseg.training.executors.ray_connection import connect
from spineseg.training.executors.ray_head import HeadWatch
from spineseg.training.executors.ray_nodes import Nodes, pinned
from spineseg.training.executors.told import Told
from spineseg.training.launcher import TRAINER
from spineseg.training.orders import Orders
from spineseg.training.slot import Slot

NAMESPACE = "spineseg"
_ASK_SECONDS = 60.0  # A node starts a process to answer in; a loaded one takes long.
_STEP_SECONDS = 0.05
_NAME_SECONDS = 20.0  # Until the name of an actor that was ended is free again.


class RayExecutor:
    """The nodes of a cluster: so many trainings at a time on each GPU, or on a node's CPUs."""

    def __init__(
        self,
        devices: DeviceConfig,
        study_folder: Path,
        say: Callable[[str], None],
        trainer: str = TRAINER,
    ) -> None:
        """Connect to the cluster, and end what an earlier driver left there that has ended.

        Raises ConfigError where there is none, or none of its nodes can train as `devices` asks.
        """
        self._devices, self._trainer = devices, trainer
        self._attempts: dict[Path, tuple[RayAttempt | NeverBegun, Slot]] = {}
        connect(devices.ray_address, NAMESPACE)
        self._head = HeadWatch(ray.get_runtime_context().gcs_address)
        try:
            names = _names_of_nodes(study_folder)
            per_device, folder = devices.known_per_device, devices.node_folder
            self._nodes = Nodes(devices.device, per_device, folder, say, names)
            self._nodes.wait_for_answers(_ASK_SECONDS)
            if not self._end_left(study_folder):
                self._refuse_useless()
        except BaseException:
            self._head.close()
            ray.shutdown()
            raise

    def slots(self) -> list[Slot]:
        """Return where trainings can be at work now; nodes may come and go.

        Raises RunError where the cluster's head is lost.
        """
        self._head.refuse_lost()
        return self._nodes.slots(self._busy())

    def learn(self, job: Job, epoch: Epoch) -> str:
        """Return nothing: how many trainings share a node's device, a person says."""
        return ""

    def may_share(self, slot: Slot, wanted: TrainConfig, at_work: Sequence[TrainConfig]) -> bool:
        """Return that it may: what a slot has, Ray keeps for it."""
        return True

    def at_work(self, run_folder: Path) -> Slot | None:
        """Return the slot in which an attempt at this run is at work, whoever started it."""
        if run_folder in self._attempts and self._attempts[run_folder][0].is_over:
            return None
        told = _told(run_folder)
        if told is None or _actor(told["actor"]) is None:
            return None
        device = Device(told["device"], told["described"])
        return Slot(told["slot"], device, told["neighbours"], told["cores"], told["node"])

    def start(self, run_folder: Path, orders: Orders, slot: Slot) -> RayAttempt | NeverBegun:
        """Start an attempt at the job in `run_folder`, or adopt the one that is at work.

        Of earlier attempts at it none speaks any more: whatever answers to their names is ended.
        """
        orders = replace(orders, neighbours=slot.neighbours, cores=slot.cores)
        told = _told(run_folder)
        actor = _actor(told["actor"]) if told and run_folder not in self._attempts else None
        if told and actor is not None:
            # By its id: two nodes of one machine's name may have come in another order.
            known = told.get("node_id")
            named = self._nodes.with_id(known) if known else self._nodes.named(told["node"])
            node = named or Node(known or "", told["node"], 0, 0, "")
            base = told["log_base"]
        else:
            if run_folder in self._attempts:
                self._attempts[run_folder][0].let_go()
            there = self._nodes.named(slot.node)
            if there is None:
                return self._kept(run_folder, slot, NeverBegun(slot.node))
            node, log = there, run_folder / LOG_FILE
            base = log.stat().st_size if log.exists() else 0
            actor = self._begun(run_folder, orders, slot, node, base)
        attempt = RayAttempt(
            actor, self._nodes, node, run_folder, orders, self._devices.checkpoint_epochs, base
        )
        return self._kept(run_folder, slot, attempt)

    def _kept(
        self, run_folder: Path, slot: Slot, attempt: RayAttempt | NeverBegun
    ) -> RayAttempt | NeverBegun:
        self._attempts[run_folder] = attempt, slot
        return attempt

    def close(self) -> None:
        """Leave the cluster; attempts that are at work stay at it, those told to end do end."""
        try:
            while ending := [a for a, _ in self._attempts.values() if a.is_ending]:
                for attempt in ending:
                    attempt.is_alive()
                time.sleep(_STEP_SECONDS)
        finally:
            self._head.close()
            ray.shutdown()

    def _busy(self) -> set[str]:
        return {slot.name for attempt, slot in self._attempts.values() if not attempt.is_over}

    def _begun(
        self, run_folder: Path, orders: Orders, slot: Slot, node: Node, log_base: int
    ) -> Any:
        job = Job.read(run_folder)
        for number in range(1, orders.attempt + 1):
            _end(_name(job, number))
        name = _name(job, orders.attempt)
        told = {
            "attempt": orders.attempt,
            "slot": slot.name,
            "device": slot.device.name,
            "described": slot.device.description,
            "neighbours": slot.neighbours,
            "cores": slot.cores,
            "node": slot.node,
            "node_id": node.id,
            "actor": name,
            "log_base": log_base,
            "clock_offset_seconds": round(self._nodes.offsets.get(slot.node, 0.0), 3),
        }
        write_attempt(run_folder, told)
        need = self._nodes.need(node)
        options = {
            "name": name,
            "lifetime": "detached",
            "num_cpus": need.cpus,
            "num_gpus": need.gpus,
            "max_restarts": 0,
            "max_task_retries": 0,
            "scheduling_strategy": pinned(node),
        }
        first = Told(
            folder=self._devices.node_folder,
            node=slot.node,
            study=job.study,
            run=run_folder.name,
            job=job.id,
            attempt=orders.attempt,
            on_gpu=need.gpus > 0,
            trainer=self._trainer,
        )
        until = time.monotonic() + _NAME_SECONDS
        while True:
            try:
                return ray.remote(NodeAttempt).options(**options).remote(first)
            except ValueError as error:  # The name is taken, by one that is just being ended.
                if time.monotonic() > until:
                    raise RunError(f"{run_folder}: {error}; run again") from None
                time.sleep(0.1)

    def _end_left(self, study_folder: Path) -> int:
        """End what holds a slot for a run that has its end on record, or a later attempt.

        Returns how many attempts of the study are at work yet.
        """
        at_work = 0
        for folder in study_folder.glob("*/"):
            told = _told(folder)
            if told is None:
                continue
            with suppress(RecordError):  # Whoever reads the study says what is wrong with it.
                job = Job.read(folder)
                log = read_events(folder, job.id)
                has_ended = any(isinstance(event, Finished | Failed) for event in log)
                for number in range(1, told["attempt"] + 1):
                    if has_ended or number < told["attempt"]:
                        _end(_name(job, number))
                at_work += not has_ended and _actor(told["actor"]) is not None
        return at_work

    def _refuse_useless(self) -> None:
        """Raise ConfigError where the cluster has nothing to train on, as it is asked for."""
        wanted = self._devices.device
        if wanted not in ("auto", "cpu") and not self._nodes.gpus():
            raise ConfigError(
                f"devices.device: {wanted!r} asks for GPUs, and no node of the cluster has one; "
                "use 'auto' or 'cpu', or add a node with GPUs by `ray start --address=HOST:6379`"
            )
        if self._nodes.slots(()):
            return  # Others of the cluster may hold them all: then it waits in line.
        for why in self._nodes.refused.values():
            raise ConfigError(why)
        raise ConfigError(
            "devices.executor: the Ray cluster has no node that can train now, with CPUs or GPUs "
            "of its own; add one with `ray start --address=HOST:6379`, or use executor: local"
        )


def _name(job: Job, attempt: int) -> str:
    return f"{job.study} {job.id} {attempt}"


def _actor(name: str) -> Any:
    """Return the actor of that name; None where there is none."""
    try:
        return ray.get_actor(name, namespace=NAMESPACE)
    except ValueError:
        return None


def _end(name: str) -> None:
    actor = _actor(name)
    if actor is not None:
        ray.kill(actor)


def _told(run_folder: Path) -> dict[str, Any] | None:
    """Return what is on record of a run's last attempt, where that was on a cluster."""
    told = told_of_attempt(run_folder)
    return told if "actor" in told else None


def _names_of_nodes(study_folder: Path) -> dict[str, str]:
    """Return what nodes were called by whoever began what is at work there yet, by their ids."""
    found = [told for folder in study_folder.glob("*/") if (told := _told(folder))]
    return {
        told["node_id"]: told["node"]
        for told in found
        if "node_id" in told and _actor(told["actor"]) is not None
    }
