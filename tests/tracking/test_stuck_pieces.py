"""A piece that a store chokes on at each try: it holds nothing else up, for long or for ever."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from run_folders import make_job

from spineseg.carrier import Carrier
from spineseg.errors import StoreError
from spineseg.job import Job


class Chokes:
    """A target whose store opens, and fails at each try of some things."""

    def __init__(self, *bad: str) -> None:
        self.bad = set(bad)
        self.told: list[str] = []
        self.tried = 0
        self.pieces = 5
        self.answers = 0
        self.opening = 0  # Answers of each opening, a tenth of a second each.

    def open(self) -> None:
        for _ in range(self.opening):
            time.sleep(0.1)
            self.answers += 1

    def carry(self, folder: Path, job: Job) -> None:
        self.do(job.name)

    def do(self, name: str) -> None:
        if name in self.bad:
            self.tried += 1
            raise StoreError(f"Internal Server Error at {name}")
        self.told.append(name)

    def idle(self) -> bool:
        if not self.pieces:
            return False
        self.pieces -= 1
        self.told.append("idle")
        return True


def a_run(number: int) -> tuple[Path, Job]:
    name = f"run-{number}"
    return Path(f"{number:03d}-{name}"), make_job(name=name, number=number)


def until(what: Callable[[], object]) -> None:
    for _ in range(2000):
        if what():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to that")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spineseg.carrier._FIRST_PAUSE_SECONDS", 0.02)


def started(target: Chokes) -> tuple[Carrier, list[str]]:
    said: list[str] = []
    carrier = Carrier(target, "MLflow", said.append, pace_seconds=0.01)
    carrier.start()
    return carrier, said


def test_an_ended_run_that_the_store_chokes_on_holds_up_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    target, written = Chokes("run-1"), list[str]()
    carrier, said = started(target)
    with caplog.at_level(logging.WARNING):
        carrier.news(*a_run(1), ended=True)
        until(lambda: target.tried)
        for _ in range(3):
            carrier.news(*a_run(2))
            time.sleep(0.03)
        carrier.note(lambda: written.append("note"))
        until(lambda: written and "run-2" in target.told and not target.pieces)
        until(lambda: "did not take" in caplog.text)
        carrier.news(*a_run(2), ended=True)
        assert carrier.close(5.0) == ["run-1"]
    assert "run-2" in target.told and caplog.text.count("did not take 001-run-1") == 1
    assert sum("does not take" in words for words in said) <= 1
    assert 3 <= target.tried <= 5


def test_a_run_that_was_refused_is_tried_again_later_and_at_the_close(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("spineseg.carrier_news._REFUSED_SECONDS", 0.2)
    target = Chokes("run-1", "run-3")
    carrier, said = started(target)
    carrier.news(*a_run(1), ended=True)
    until(lambda: target.tried > 4)  # Three times, and again.
    assert caplog.text.count("did not take 001-run-1") == 1 and len(said) <= 2
    target.bad.remove("run-1")
    until(lambda: "run-1" in target.told)
    monkeypatch.setattr("spineseg.carrier_news._REFUSED_SECONDS", 1e6)
    carrier.news(*a_run(3), ended=True)
    until(lambda: "did not take 003-run-3" in caplog.text)
    target.bad.clear()
    assert carrier.close(5.0) == [] and target.told[-1] == "run-3"


def test_a_live_run_that_failed_twice_is_carried_when_the_store_is_well() -> None:
    target = Chokes("run-1")
    carrier, said = started(target)
    carrier.news(*a_run(1))
    until(lambda: target.tried == 2)
    target.bad.clear()
    until(lambda: "run-1" in target.told)
    assert carrier.close(5.0) == []
    assert [("again" in words) for words in said] in ([], [False, True])


def test_a_note_that_the_store_chokes_on_holds_up_no_other_and_no_idle_work(
    caplog: pytest.LogCaptureFixture,
) -> None:
    target = Chokes("note")
    carrier, _ = started(target)
    carrier.note(lambda: target.do("note"))
    carrier.note(lambda: target.do("views"), kind="views")
    until(lambda: "views" in target.told and not target.pieces)
    assert carrier.close(5.0) == [] and target.tried == 3
    assert caplog.text.count("MLflow did not take a note") == 1


def test_the_answers_of_a_store_that_is_opened_anew_and_takes_nothing_prolong_no_close(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("spineseg.carrier._LONGEST_PAUSE_SECONDS", 0.05)
    target = Chokes(*(f"run-{number}" for number in range(100)))
    target.pieces, target.opening = 0, 3
    carrier, _ = started(target)
    for number in range(100):
        carrier.news(*a_run(number), ended=True)
    until(lambda: target.tried)
    before = target.answers
    assert len(carrier.close(0.5)) == 100
    assert target.answers - before < 40  # And not as long as it may take at most, 10 s.
