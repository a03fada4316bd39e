"""Attempts on the nodes of a real Ray cluster: what they say and leave is here, come what may."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from ray_here import Connect, Machines, epochs, log, new_run, slot_on, slow_fake, to_the_end, until

from spineseg.data.manifest import Dataset
from spineseg.events import Finished, Started
from spineseg.training.control import is_judged
from spineseg.training.executors.run_files import run_files
from spineseg.training.orders import Orders

pytestmark = pytest.mark.wide


def resume(run: Path) -> Path:
    return run / "train" / "weights" / "resume.pt"


def test_a_training_on_a_node_is_here_as_if_it_had_been_here(
    cluster: Machines, study: Path, films: Dataset, connect: Connect, nodes: Path
) -> None:
    cluster.only("a")
    before = signal.getsignal(signal.SIGTERM)
    executor = connect()
    assert signal.getsignal(signal.SIGTERM) is before, "the driver's own way to stop"
    (slot,) = executor.slots()
    assert (slot.name, slot.node, slot.device.name, slot.cores) == ("a cpu", "a", "cpu", 1)
    run = new_run(study, films, 5)
    assert executor.at_work(run) is None
    attempt = executor.start(run, Orders(), slot)
    assert executor.at_work(run) == slot
    there: dict[str, bytes] = {}
    said_finished_without: list[str] = []
    place = nodes / "a" / "studies" / "small"
    while attempt.is_alive():
        for folder in place.glob(f"*/{run.name}"):
            for name, path in run_files(folder).items():
                with suppress(FileNotFoundError):  # It is fetched, and is let go of there.
                    there[name] = path.read_bytes()
        if any(isinstance(event, Finished) for event in log(run)):
            said_finished_without += there.keys() - run_files(run).keys() - {_RESUME}
    here = {name: path.read_bytes() for name, path in run_files(run).items()}
    there.pop(_RESUME)
    assert here == there and {"train/weights/best.pt", "train/results.csv"} < here.keys()
    assert said_finished_without == []
    assert epochs(run) == [1, 2, 3, 4, 5] and isinstance(log(run)[-1], Finished)
    assert not attempt.lost and not attempt.found_no_space and attempt.ended_by == "exit code 0"
    assert executor.at_work(run) is None
    assert not list(study.glob(".*")) and not list(place.glob("*")), "nothing is left aside"


_RESUME = "train/weights/resume.pt"


def test_a_lost_node_costs_the_epochs_since_the_last_checkpoint(
    cluster: Machines, study: Path, films: Dataset, connect: Connect, nodes: Path
) -> None:
    cluster.only("a", "b")
    slow_fake(nodes, "a", 0.4)
    executor = connect()
    run = new_run(study, films, 12)
    attempt = executor.start(run, Orders(), slot_on(executor, "a"))
    until(attempt, lambda: resume(run).exists() and len(epochs(run)) >= 5)
    cluster.kill("a")
    to_the_end(attempt)
    assert attempt.lost and attempt.ended_by == "node a is gone"
    kept, said = int(resume(run).read_text()), epochs(run)[-1]
    assert said - kept <= 2 + 1, "every two epochs, and what was trained while they were fetched"
    assert [slot.node for slot in executor.slots()] == ["b"]
    again = executor.start(run, Orders(attempt=2), slot_on(executor, "b"))
    to_the_end(again)
    started = [event for event in log(run) if isinstance(event, Started)]
    assert [event.resumed_from_epoch for event in started] == [0, kept]
    assert [event.attempt for event in started] == [1, 2]
    assert epochs(run) == [*range(1, said + 1), *range(kept + 1, 13)]
    assert isinstance(log(run)[-1], Finished) and not resume(run).exists()


def test_two_trainings_on_a_node_fetch_their_data_once_and_a_third_nothing(
    cluster: Machines, study: Path, films: Dataset, connect: Connect, said: list[str]
) -> None:
    cluster.only("a")
    executor = connect(trials_per_device=2)
    slots = executor.slots()
    assert [slot.name for slot in slots] == ["a cpu", "a cpu #2"]
    assert [slot.neighbours for slot in slots] == [2, 2]
    runs = [new_run(study, films, 3, number=i, name=f"n{i}") for i in range(3)]
    attempts = [executor.start(runs[i], Orders(), slots[i]) for i in range(2)]
    to_the_end(*attempts)
    assert executor._nodes.fetched == 1
    assert said == [f"node a: fetches the data {films.fingerprint[:12]}"]
    to_the_end(executor.start(runs[2], Orders(), slot_on(executor, "a")))
    assert executor._nodes.fetched == 1
    assert all(isinstance(log(run)[-1], Finished) for run in runs)


def test_a_child_that_is_killed_loses_nothing_and_its_node_is_not_blamed(
    cluster: Machines, study: Path, films: Dataset, connect: Connect, nodes: Path
) -> None:
    cluster.only("a")
    slow_fake(nodes, "a", 0.3)
    executor = connect(checkpoint_epochs=50)
    run = new_run(study, films, 6)
    attempt = executor.start(run, Orders(), slot_on(executor, "a"))
    until(attempt, lambda: len(epochs(run)) >= 2)
    os.kill(_pid(run), signal.SIGKILL)
    to_the_end(attempt)
    assert not attempt.lost and attempt.ended_by == "SIGKILL"
    assert int(resume(run).read_text()) >= epochs(run)[-1]
    again = executor.start(run, Orders(attempt=2), slot_on(executor, "a"))
    to_the_end(again)
    assert sorted(set(epochs(run))) == [1, 2, 3, 4, 5, 6]


def test_a_childs_host_that_is_killed_takes_the_child_along(
    cluster: Machines, study: Path, films: Dataset, connect: Connect, nodes: Path
) -> None:
    cluster.only("a")
    slow_fake(nodes, "a", 0.3)
    executor = connect()
    run = new_run(study, films, 40)
    attempt = executor.start(run, Orders(), slot_on(executor, "a"))
    until(attempt, lambda: len(epochs(run)) >= 1)
    child = psutil.Process(_pid(run))
    _host(child).kill()
    to_the_end(attempt)
    assert not attempt.lost and attempt.ended_by == "its process on node a ended"
    child.wait(20)


def test_one_that_is_ended_leaves_its_last_epoch_here(
    cluster: Machines, study: Path, films: Dataset, connect: Connect, nodes: Path
) -> None:
    cluster.only("a")
    slow_fake(nodes, "a", 0.3)
    executor = connect(checkpoint_epochs=50)
    run = new_run(study, films, 40)
    attempt = executor.start(run, Orders(), slot_on(executor, "a"))
    until(attempt, lambda: len(epochs(run)) >= 3)
    child = psutil.Process(_pid(run))
    attempt.kill()
    to_the_end(attempt)
    child.wait(20)
    assert int(resume(run).read_text()) >= epochs(run)[-1] >= 3
    assert slot_on(executor, "a"), "its slot is free again"


def test_a_searched_one_waits_to_be_judged_and_is_stopped(
    cluster: Machines, study: Path, films: Dataset, connect: Connect
) -> None:
    cluster.only("a")
    executor = connect()
    run = new_run(study, films, 6, kind="search", name="search-001")
    attempt = executor.start(run, Orders(), slot_on(executor, "a"))
    until(attempt, lambda: len(epochs(run)) == 1)
    for _ in range(30):
        assert attempt.is_alive() and epochs(run) == [1]
    attempt.let_go_on(1)
    assert is_judged(run, 1)
    until(attempt, lambda: len(epochs(run)) == 2)
    attempt.ask_to_stop(2)
    to_the_end(attempt)
    end = log(run)[-1]
    assert isinstance(end, Finished) and (end.outcome, end.epochs) == ("pruned", 2)


def _pid(run: Path) -> int:
    return [event for event in log(run) if isinstance(event, Started)][-1].pid


def _host(child: psutil.Process) -> psutil.Process:
    """Return the actor's process: the server that a child is forked from is its child."""
    return child.parent().parent()
