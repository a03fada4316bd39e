"""A study on a Ray cluster, killed in each of the ways that there are, comes to a whole end."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

import pytest
from fault_checks import in_order
from fault_kills import WHOM
from fault_rounds import Killed, kinds
from run_folders import make_job

from spineseg.events import Epoch, Event, Started
from spineseg.runs import Run


@pytest.mark.wide
@pytest.mark.long
def test_a_study_on_nodes_is_whole_after_kills_of_each_kind(killed: Killed) -> None:
    pytest.importorskip("ray", reason="Ray is not here: make setup EXTRA=ray")
    said = killed("--executor", "ray", "--studies", "1", "--kills", "10", "--seed", "100")
    counted = re.search(r"^(\d+) of (\d+) studies came out whole", said, re.MULTILINE)
    whom = re.search(r"^whom, on Ray: (.*)$", said, re.MULTILINE)
    assert counted is not None and counted[1] == counted[2] and whom is not None
    kinds_met = {told.rpartition(" ")[0] for told in whom[1].split(", ")}
    assert kinds_met <= set(WHOM["Ray"]) and len(kinds_met) >= 5  # A study may end before its turn.


def test_twenty_studies_are_on_both_executors_stores_and_all_slots() -> None:
    first = list(islice(kinds(0, "both", "both"), 20))
    assert sum(kind.on_ray for kind in first) == 4
    for on_ray in (False, True):
        mine = [kind for kind in first if kind.on_ray == on_ray]
        assert {kind.slots for kind in mine} == {1, 2, 4}
        assert {kind.served for kind in mine} == {False, True}
    assert {kind.served for kind in islice(kinds(0, "ray", "own"), 5)} == {False}
    assert {kind.on_ray for kind in islice(kinds(0, "local", "both"), 5)} == {False}


def said(*words: int | tuple[int, int], score: float = 0.1) -> list[Event]:
    """Return a log's events: an epoch by its number, a start by its attempt and where it begins."""
    run = make_job().id
    return [
        Epoch(run=run, epoch=word, metrics={"a": score}, epoch_seconds=1, validation_seconds=1)
        if isinstance(word, int)
        else Started(
            run=run,
            pid=1,
            device="CPU",
            attempt=word[0],
            resumed_from_epoch=word[1],
            parameters=1,
            resolved={},
            environment={},
        )
        for word in words
    ]


@pytest.mark.parametrize(
    ("log", "here", "on_nodes"),
    [
        (said((1, 0), 1, 2, (2, 2), 3), 0, 0),
        (said((1, 0), 1, 2, (2, 1), 2, 3), 1, 0),
        (said((1, 0), 1, 2, (1, 1), 2, 3), 2, 1),
        (said((1, 0), 1, 2, 2, 3), 1, 1),
        (said((1, 0), 1, 3), 1, 1),
        (said((1, 0), 1, (2, 2), 3), 1, 1),
        (said((1, 0), 1, 2, (2, 1)) + said(2, score=0.2), 2, 1),
    ],
)
def test_an_epoch_trained_again_is_told_unless_a_node_took_it(
    log: list[Event], here: int, on_nodes: int
) -> None:
    run = Run(Path("000-baseline"), make_job(), tuple(log))
    assert len(list(in_order(run, keeps_all=True))) == here
    assert len(list(in_order(run, keeps_all=False))) == on_nodes
