"""A node whose disk is full: said once, looked at now and then, used again when there is room."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

full_nodes = pytest.importorskip(
    "spineseg.training.executors.full_nodes", reason="Ray is not here: make setup EXTRA=ray"
)
from spineseg.training.executors.node import Node  # noqa: E402

NODE = Node("1f", "a", 1, 0, "")


class Told:
    """Full nodes, whose clock and free bytes a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.free, self.asked = 1000.0, 0, 0
        self.said: list[str] = []
        monkeypatch.setattr(full_nodes.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(full_nodes.ray, "wait", lambda asked, timeout: (asked, []))
        monkeypatch.setattr(full_nodes.ray, "get", lambda _: self.free)
        self.nodes = full_nodes.FullNodes(Path("~/nodes"), self.ask, self.said.append)

    def ask(self, node: Node, what: Any) -> str:
        self.asked += 1
        return "question"

    def is_full_after(self, seconds: float) -> bool:
        self.now += seconds
        self.nodes.has(NODE)  # Asks, where it is due; the next look has the answer.
        return bool(self.nodes.has(NODE))


def test_a_full_node_is_said_once_and_used_when_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = Told(monkeypatch)
    assert not told.nodes.has(NODE) and told.asked == 0
    assert told.nodes.found(NODE) == told.nodes.found(NODE)
    assert len(told.said) == 1 and "~/nodes/a" in told.said[0] and "free some" in told.said[0]
    assert told.is_full_after(1) and told.asked == 1
    assert told.is_full_after(1) and told.asked == 1, "not at each look"
    told.free = 2**31
    assert not told.is_full_after(60)
    assert told.said[1:] == ["node a: has room again, and is used"]


def test_one_that_is_full_again_at_once_is_tried_ever_less_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = Told(monkeypatch)
    told.free = 2**40  # As a quota leaves it.
    waits = []
    for _ in range(4):
        told.nodes.found(NODE)
        since = told.now
        while told.is_full_after(10):
            pass
        waits.append(told.now - since)
    assert waits == sorted(waits) and waits[-1] >= 4 * waits[0]


def test_one_of_which_nothing_is_known_is_tried_after_an_hour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = Told(monkeypatch)
    told.nodes.found(NODE)
    assert told.is_full_after(3000)
    assert not told.is_full_after(700)


def test_room_is_that_of_the_nearest_folder_that_is_there(tmp_path: Path) -> None:
    free = full_nodes.room(tmp_path / "not" / "there")()
    assert free > 0
