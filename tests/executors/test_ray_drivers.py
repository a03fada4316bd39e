"""Drivers of a cluster that go and come: what is at work is adopted, and nobody speaks twice."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from ray_here import (
    Connect,
    Machines,
    epochs,
    log,
    new_run,
    slot_on,
    slow_fake,
    to_the_end,
    until,
)

from spineseg.data.manifest import Dataset
from spineseg.errors import RecordError
from spineseg.events import EVENTS_FILE, Epoch, Finished, Started
from spineseg.training.orders import Orders

pytestmark = pytest.mark.wide


def pid(run: Path) -> int:
    return [event for event in log(run) if isinstance(event, Started)][-1].pid


def test_a_training_goes_on_while_its_driver_is_gone_and_the_next_one_has_all_of_it(
    cluster: Machines, study: Path, films: Dataset, connect: Connect, nodes: Path
) -> None:
    cluster.only("a")
    slow_fake(nodes, "a", 0.3)
    first = connect()
    slot = slot_on(first, "a")
    run = new_run(study, films, 20)
    attempt = first.start(run, Orders(), slot)
    until(attempt, lambda: len(epochs(run)) >= 2)
    with (run / EVENTS_FILE).open("a") as file:
        file.write('{"run": "torn by the death of')
    second = connect()
    assert second.at_work(run) == slot
    adopted = second.start(run, Orders(attempt=1), slot)
    to_the_end(adopted)
    assert epochs(run) == list(range(1, 21)) and isinstance(log(run)[-1], Finished)
    assert len([event for event in log(run) if isinstance(event, Started)]) == 1
    assert not (run / "train" / "weights" / "resume.pt").exists()


def test_one_that_was_not_begun_when_its_driver_died_is_begun_by_the_next(
    cluster: Machines, study: Path, films: Dataset, connect: Connect
) -> None:
    cluster.only("a")
    first = connect()
    slot = slot_on(first, "a")
    run = new_run(study, films, 3)
    attempt = first.start(run, Orders(), slot)
    until(attempt, lambda: first._nodes.fetched == 1)  # The data are on their way.
    second = connect()
    assert second.at_work(run) == slot
    to_the_end(second.start(run, Orders(), slot))
    assert epochs(run) == [1, 2, 3] and isinstance(log(run)[-1], Finished)


def test_what_waits_to_be_judged_waits_for_the_next_driver(
    cluster: Machines, study: Path, films: Dataset, connect: Connect
) -> None:
    cluster.only("a")
    first = connect()
    slot = slot_on(first, "a")
    run = new_run(study, films, 3, kind="search", name="search-001")
    attempt = first.start(run, Orders(), slot)
    until(attempt, lambda: len(epochs(run)) == 1)
    second = connect()
    time.sleep(1)
    adopted = second.start(run, Orders(), slot)
    for epoch in (1, 2):
        until(adopted, lambda epoch=epoch: len(epochs(run)) == epoch)
        adopted.let_go_on(epoch)
    to_the_end(adopted)
    assert epochs(run) == [1, 2, 3]


def test_a_log_that_is_not_the_beginning_of_the_nodes_is_refused(
    cluster: Machines, study: Path, films: Dataset, connect: Connect, nodes: Path
) -> None:
    cluster.only("a")
    slow_fake(nodes, "a", 0.3)
    first = connect()
    slot = slot_on(first, "a")
    run = new_run(study, films, 40)
    until(first.start(run, Orders(), slot), lambda: len(epochs(run)) >= 3)
    lines = (run / EVENTS_FILE).read_bytes().splitlines(keepends=True)
    (run / EVENTS_FILE).write_bytes(b"".join([lines[0], *lines[2:]]))
    adopted = connect().start(run, Orders(), slot)
    with pytest.raises(RecordError, match="is not the beginning of what attempt 1 said on node a"):
        to_the_end(adopted)


def test_an_attempt_that_answers_yet_is_ended_before_the_next_begins(
    cluster: Machines, study: Path, films: Dataset, connect: Connect, nodes: Path
) -> None:
    cluster.only("a", "b")
    slow_fake(nodes, "a", 0.3)
    executor = connect()
    run = new_run(study, films, 15)
    attempt = executor.start(run, Orders(), slot_on(executor, "a"))
    until(attempt, lambda: len(epochs(run)) >= 4)
    child, said = psutil.Process(pid(run)), len(log(run))
    again = executor.start(run, Orders(attempt=2), slot_on(executor, "b"))
    child.wait(20)
    assert not attempt.is_alive() and len(log(run)) == said
    to_the_end(again)
    after = log(run)[said:]
    assert isinstance(after[0], Started) and after[0].attempt == 2
    said_again = [event.epoch for event in after if isinstance(event, Epoch)]
    assert said_again == list(range(after[0].resumed_from_epoch + 1, 16))


def test_a_node_that_was_given_up_and_comes_back_is_not_heard(
    cluster: Machines, study: Path, films: Dataset, connect: Connect, nodes: Path
) -> None:
    cluster.only("a", "b")
    slow_fake(nodes, "a", 0.3)
    slow_fake(nodes, "b", 0.3)
    executor = connect()
    run = new_run(study, films, 40)
    attempt = executor.start(run, Orders(), slot_on(executor, "a"))
    until(attempt, lambda: len(epochs(run)) >= 4)
    asleep = [psutil.Process(pid(run)), *cluster.processes("a")]
    for process in asleep:
        os.kill(process.pid, signal.SIGSTOP)
    to_the_end(attempt)
    assert attempt.lost and attempt.ended_by == "node a is gone"
    said = len(log(run))
    again = executor.start(run, Orders(attempt=2), slot_on(executor, "b"))
    until(again, lambda: len(log(run)) > said + 3)
    for process in asleep:
        os.kill(process.pid, signal.SIGCONT)
    psutil.wait_procs(asleep[:1], 60)
    assert not asleep[0].is_running(), "its child ends with it"
    to_the_end(again)
    after = log(run)[said:]
    assert [event.attempt for event in after if isinstance(event, Started)] == [2]
    said_again = [event.epoch for event in after if isinstance(event, Epoch)]
    assert said_again == list(range(said_again[0], 41)), "one voice, in order"
    cluster.forget("a")


def test_what_an_earlier_driver_left_at_its_end_holds_no_slot(
    cluster: Machines, study: Path, films: Dataset, connect: Connect
) -> None:
    cluster.only("a")
    first = connect()
    run = new_run(study, films, 2)
    attempt = first.start(run, Orders(), slot_on(first, "a"))
    # The line that ends the run is the last thing that the driver does before it dies.
    work, attempt._brought.say_end = attempt._brought.say_end, lambda: _die_after(work)
    with pytest.raises(KeyboardInterrupt):
        to_the_end(attempt)
    assert isinstance(log(run)[-1], Finished)
    second = connect()
    assert second.at_work(run) is None
    assert slot_on(second, "a")


def _die_after(work: object) -> None:
    work()  # type: ignore[operator]
    raise KeyboardInterrupt
