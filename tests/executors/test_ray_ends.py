"""Attempts on a cluster that are told to end, cannot begin, or are not reached for a while."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ray_here import Connect, Machines, epochs, log, new_run, slot_on, slow_fake, to_the_end, until

from spineseg.data.manifest import Dataset
from spineseg.events import Finished
from spineseg.training.attempts import ATTEMPT_FILE
from spineseg.training.executors.run_files import run_files
from spineseg.training.orders import Orders

pytestmark = pytest.mark.wide


def actors() -> list[str]:
    import ray

    return list(ray.util.list_named_actors())


def until_free(seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while actors():
        assert time.monotonic() < end, f"at work yet: {actors()}"
        time.sleep(0.1)


def test_ending_waits_for_nobody_and_a_full_disk_here_ends_it_too(
    cluster: Machines, study: Path, films: Dataset, connect: Connect, nodes: Path, said: list[str]
) -> None:
    cluster.only("a")
    slow_fake(nodes, "a", 0.3)
    executor = connect(checkpoint_epochs=50)
    run = new_run(study, films, 40)
    attempt = executor.start(run, Orders(), slot_on(executor, "a"))
    until(attempt, lambda: len(epochs(run)) >= 2)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    attempt._brought.arrive = full
    attempt.kill()
    attempt.kill()
    assert not attempt.is_over and attempt.is_ending, "it is asked on, as a second call is early"
    to_the_end(attempt)
    until_free()
    assert "No space left on device" in said[-1] and "trained again" in said[-1]


def test_a_cluster_that_is_left_has_ended_what_was_told_to(
    cluster: Machines, study: Path, films: Dataset, connect: Connect, nodes: Path
) -> None:
    cluster.only("a")
    slow_fake(nodes, "a", 0.3)
    executor = connect(checkpoint_epochs=50)
    run = new_run(study, films, 40)
    attempt = executor.start(run, Orders(), slot_on(executor, "a"))
    until(attempt, lambda: len(epochs(run)) >= 2)
    attempt.kill()
    executor.close()
    assert attempt.is_over
    kept = int((run / "train" / "weights" / "resume.pt").read_text())
    assert kept >= epochs(run)[-1] >= 2
    connect()
    until_free()


def test_one_that_cannot_be_ended_in_time_is_cut_off(
    cluster: Machines,
    study: Path,
    films: Dataset,
    connect: Connect,
    nodes: Path,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from spineseg.training.executors import ray_attempt

    cluster.only("a")
    slow_fake(nodes, "a", 0.3)
    executor = connect()
    run = new_run(study, films, 40)
    attempt = executor.start(run, Orders(), slot_on(executor, "a"))
    until(attempt, lambda: len(epochs(run)) >= 1)
    monkeypatch.setattr(ray_attempt, "_HOME_SECONDS", 0.5)
    monkeypatch.setattr(attempt, "_go_on", lambda: None)  # Nothing is answered.
    attempt.kill()
    to_the_end(attempt, seconds=30)
    until_free()
    assert "that took more than" in said[-1]
    other = executor.start(run, Orders(attempt=2), slot_on(executor, "a"))
    until(other, lambda: not other.is_waiting_for_its_place)
    other.kill()
    time.sleep(0.6)
    other.kill()
    assert other.is_over, "the second call, after its time"


def test_one_whose_place_another_study_has_is_waiting_and_is_ended_without_waiting(
    cluster: Machines, study: Path, films: Dataset, connect: Connect, nodes: Path
) -> None:
    cluster.only("a")
    slow_fake(nodes, "a", 0.3)
    executor = connect()
    slot = slot_on(executor, "a")
    runs = [new_run(study, films, 40, number=i, name=f"n{i}") for i in range(2)]
    first = executor.start(runs[0], Orders(), slot)
    until(first, lambda: len(epochs(runs[0])) >= 1)
    assert not first.is_waiting_for_its_place
    second = executor.start(runs[1], Orders(), slot)
    for _ in range(20):
        assert second.is_alive() and second.is_waiting_for_its_place
        time.sleep(0.05)
    second.kill()
    to_the_end(second, seconds=30)
    assert first.is_alive() and len(actors()) == 1


Fails = Callable[[str], bool]


def failing(attempt: Any, monkeypatch: pytest.MonkeyPatch, fails: Fails) -> list[str]:
    """Have answers to what is asked lost on their way, as a broken connection does."""
    import ray
    from ray.exceptions import ActorUnavailableError

    names: dict[Any, str] = {}
    lost: list[str] = []
    get, actor = ray.get, attempt._actor

    class Method:
        def __init__(self, name: str) -> None:
            self.name = name

        def remote(self, *told: Any, **named: Any) -> Any:
            ref = getattr(actor, self.name).remote(*told, **named)
            names[ref] = self.name
            return ref

    class Asked:
        def __getattr__(self, name: str) -> Method:
            return Method(name)

    def got(ref: Any, **more: Any) -> Any:
        name = names.get(ref, "") if isinstance(ref, ray.ObjectRef) else ""
        if name and fails(name):
            lost.append(name)
            raise ActorUnavailableError("the connection broke", None)
        return get(ref, **more)

    monkeypatch.setattr(ray, "get", got)
    kill = ray.kill
    monkeypatch.setattr(ray, "kill", lambda which: kill(actor if which is asked else which))
    asked = attempt._actor = Asked()
    return lost


def test_a_network_that_fails_for_a_moment_costs_nothing(
    cluster: Machines,
    study: Path,
    films: Dataset,
    connect: Connect,
    nodes: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from spineseg.training.executors import ray_sending

    cluster.only("a")
    slow_fake(nodes, "a", 0.2)
    monkeypatch.setattr(ray_sending, "_AGAIN_SECONDS", 0.05)
    executor = connect()
    run = new_run(study, films, 8)
    attempt = executor.start(run, Orders(), slot_on(executor, "a"))
    met: dict[str, int] = {}

    def twice(name: str) -> bool:
        met[name] = met.get(name, 0) + 1
        return met[name] in (1, 2) and not name.startswith(("take", "settle"))

    lost = failing(attempt, monkeypatch, twice)
    to_the_end(attempt)
    asked = {"is_begun", "has_dataset", "begin", "news", "checkpoint", "parts", "files", "clear"}
    assert set(lost) == asked
    assert not attempt.lost and isinstance(log(run)[-1], Finished)
    assert epochs(run) == list(range(1, 9)) and "train/weights/best.pt" in run_files(run)


def test_one_that_is_not_reached_for_long_is_lost_in_those_words(
    cluster: Machines,
    study: Path,
    films: Dataset,
    connect: Connect,
    nodes: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from spineseg.training.executors import ray_sending

    cluster.only("a")
    slow_fake(nodes, "a", 0.2)
    monkeypatch.setattr(ray_sending, "_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(ray_sending, "REACH_SECONDS", 0.5)
    executor = connect()
    run = new_run(study, films, 40)
    attempt = executor.start(run, Orders(), slot_on(executor, "a"))
    lost = failing(attempt, monkeypatch, lambda name: name == "checkpoint")
    to_the_end(attempt)
    assert attempt.lost and attempt.ended_by == "node a could not be reached"
    assert len(lost) > 2, "it was asked again before"
    until_free()


def test_nodes_of_one_name_keep_what_they_are_called_under_the_next_driver(
    cluster: Machines,
    study: Path,
    films: Dataset,
    connect: Connect,
    nodes: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import ray

    cluster.only("a", "b")
    real = ray.nodes
    order = [1]

    def same_names() -> list[dict[str, Any]]:
        found = sorted(real(), key=lambda told: told["NodeID"])[:: order[0]]
        return [told | {"NodeName": "twin"} for told in found if told["Resources"].get("CPU")]

    monkeypatch.setattr(ray, "nodes", same_names)
    first = connect()
    slots = {slot.node: slot for slot in first.slots()}
    (further,) = slots.keys() - {"twin"}
    for name in slots:
        slow_fake(nodes, name, 0.2)
    ids = {name: first._nodes.named(name).id for name in slots}
    runs = [new_run(study, films, 15, number=i, name=f"n{i}") for i in range(2)]
    until(first.start(runs[0], Orders(), slots[further]), lambda: bool(epochs(runs[0])))
    assert json.loads((runs[0] / ATTEMPT_FILE).read_text())["node_id"] == ids[further]
    order[0] = -1  # The one that had its own name comes first now.
    second = connect()
    assert second._nodes.named(further).id == ids[further]
    assert second.at_work(runs[0]) == slots[further]
    adopted = second.start(runs[0], Orders(), slots[further])
    assert adopted._node.id == ids[further]
    beside = second.start(runs[1], Orders(), slot_on(second, "twin"))
    to_the_end(adopted, beside)
    assert all(isinstance(log(run)[-1], Finished) for run in runs)
