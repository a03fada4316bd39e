"""A carrier: whoever brings news never waits, nothing is raised, what is missed follows."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from run_folders import make_job

from spineseg.carrier import Carrier
from spineseg.errors import RecordError, RefusedError, StoreError
from spineseg.job import Job


def a_run(number: int) -> tuple[Path, Job]:
    name = f"run-{number}"
    return Path(f"{number:03d}-{name}"), make_job(name=name, number=number)


class Store:
    """A target that does as told, and keeps what it was asked."""

    def __init__(self, pieces: int = 0) -> None:
        self.told: list[str] = []
        self.pieces = pieces  # Of idle work.
        self.opens: Callable[[], None] = lambda: None
        self.carries: Callable[[str], None] = lambda name: None
        self.idled: Callable[[], None] = lambda: None
        self.answers = 0

    def open(self) -> None:
        self.opens()

    def carry(self, folder: Path, job: Job) -> None:
        self.carries(job.name)
        self.told.append(job.name)

    def idle(self) -> bool:
        if self.pieces == 0:
            return False
        self.pieces -= 1
        self.told.append("idle")
        self.idled()
        return True


def started(store: Store, pace_seconds: float = 0.01) -> tuple[Carrier, list[str]]:
    said: list[str] = []
    carrier = Carrier(store, "MLflow", said.append, pace_seconds=pace_seconds)
    carrier.start()
    return carrier, said


def until(what: Callable[[], object]) -> None:
    for _ in range(2000):
        if what():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to that")


def raises(error: Exception) -> Callable[..., None]:
    def raising(*_: object) -> None:
        raise error

    return raising


def test_live_news_come_before_what_else_waits() -> None:
    store = Store(pieces=20)
    carrier = Carrier(store, "MLflow", print)
    store.idled = lambda: carrier.news(*a_run(2), ended=True) if store.pieces == 15 else None
    carrier.news(*a_run(1))
    carrier.start()
    assert carrier.close(5.0) == []
    assert store.told == ["run-1", *["idle"] * 5, "run-2", *["idle"] * 15]


def test_news_never_wait_for_a_store_that_hangs_and_neither_does_the_close() -> None:
    store, hangs, goes_on = Store(), threading.Event(), threading.Event()

    def carries(name: str) -> None:
        hangs.set()
        goes_on.wait()

    store.carries = carries
    carrier, _ = started(store)
    carrier.news(*a_run(0))
    hangs.wait()
    for _ in range(1000):
        for number in range(3):
            carrier.news(*a_run(number))
    assert carrier.close(0.3) == ["run-0", "run-1", "run-2"]
    assert not goes_on.is_set() and store.told == []
    goes_on.set()


def test_a_request_without_an_answer_is_told_while_it_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("spineseg.carrier._SILENT_SECONDS", 0.2)
    store, hangs, goes_on = Store(), threading.Event(), threading.Event()
    store.carries = lambda name: (hangs.set(), goes_on.wait(), None)[2]
    carrier, said = started(store)
    carrier.news(*a_run(1), ended=True)
    hangs.wait()
    until(lambda: carrier.news(*a_run(2)) or said)
    assert "does not take the study's record now (no answer for 0 s)" in said[0]
    goes_on.set()
    assert carrier.close(5.0) == [] and len(said) == 2 and "again" in said[1]


def test_a_store_that_is_away_is_told_once_and_once_that_it_is_back() -> None:
    store = Store()
    away = StoreError("store http://ada:hush@host: it is\nnot there")
    store.opens = raises(away)
    carrier, said = started(store)
    assert carrier.first_answer(5.0) is away
    carrier.news(*a_run(1))
    until(lambda: carrier._tries > 1)
    assert len(said) == 1 and "hush" not in said[0] and "\n" not in said[0]
    assert (
        "MLflow does not take the study's record now (store http://***@host: it is not" in said[0]
    )
    assert "the trainings go on" in said[0]
    store.opens = lambda: None
    until(lambda: len(said) > 1)
    assert "takes the study's record again" in said[1] and store.told == ["run-1"]
    assert carrier.close(5.0) == [] and len(said) == 2


def test_a_store_that_opens_and_takes_nothing_is_not_told_to_be_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("spineseg.carrier._FIRST_PAUSE_SECONDS", 0.05)
    store = Store()
    store.carries = raises(StoreError("no answer"))
    carrier, said = started(store)
    carrier.news(*a_run(1))
    until(lambda: any(news.refused for news in carrier._news.values()))
    assert carrier.close(0.1) == ["run-1"] and len(said) == 1


def test_pauses_grow_to_a_minute_and_no_further() -> None:
    carrier = Carrier(Store(), "MLflow", lambda words: None)
    pauses = []
    for _ in range(12):
        carrier._is_away(StoreError("away"))
        pauses.append(carrier._not_before - time.monotonic())
    assert pauses[0] <= 1.0 < pauses[4] < pauses[7] <= 60.0 and max(pauses) <= 60.0
    assert len(set(pauses[7:])) == 5  # With jitter.


def test_a_run_that_the_store_refuses_holds_no_other_up(caplog: pytest.LogCaptureFixture) -> None:
    store = Store()
    lost = {"run-1": RefusedError("no rights"), "run-2": RecordError("weights are gone")}

    def carries(name: str) -> None:
        if name in lost:
            raise lost[name]

    store.carries = carries
    carrier, said = started(store)
    with caplog.at_level(logging.WARNING):
        for number in (1, 2, 3, 1, 2):
            carrier.news(*a_run(number), ended=True)
        until(lambda: "run-3" in store.told)
        assert carrier.close(5.0) == ["run-1", "run-2"]
    assert said == [] and caplog.text.count("MLflow did not take 001-run-1: no rights") == 1
    assert caplog.text.count("weights are gone") == 1


def test_a_defect_of_ours_is_logged_once_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    store = Store(pieces=1)
    store.carries = raises(ZeroDivisionError("a defect"))
    store.idle = raises(ZeroDivisionError("a defect"))  # type: ignore[assignment]
    carrier, said = started(store)
    for _ in range(3):
        carrier.news(*a_run(1), ended=True)
        time.sleep(0.05)
    assert carrier.close(5.0) == ["run-1"]
    assert caplog.text.count("Traceback") == 1 and said == []


def test_a_close_waits_for_a_store_that_is_slow_and_takes_things() -> None:
    store = Store()
    store.carries = lambda name: time.sleep(0.1)
    carrier, _ = started(store)
    for number in range(15):
        carrier.news(*a_run(number), ended=True)
    assert carrier.close(0.6) == [] and len(store.told) == 15


def test_answers_within_one_piece_tell_a_slow_store_from_one_that_hangs() -> None:
    store = Store()

    def carries(name: str) -> None:
        for _ in range(15):
            time.sleep(0.1)
            store.answers += 1

    store.carries = carries
    carrier, _ = started(store)
    carrier.news(*a_run(1), ended=True)
    assert carrier.close(0.6) == []


def test_a_close_has_an_end_also_where_a_store_takes_things_for_ever() -> None:
    store = Store(pieces=-1)
    carrier, _ = started(store)
    until(lambda: len(store.told) > 10)
    assert carrier.close(30.0, most_seconds=0.2) == []
    carrier._thread.join(10)
    assert not carrier._thread.is_alive()


def test_a_run_that_goes_on_is_carried_at_a_pace_and_whole_at_the_end() -> None:
    store = Store()
    carrier, _ = started(store, pace_seconds=60.0)
    for _ in range(20):
        carrier.news(*a_run(1))
        time.sleep(0.01)
    assert store.told == ["run-1"]
    assert carrier.close(5.0) == [] and store.told == ["run-1", "run-1"]


def test_the_latest_note_counts_and_waits_for_the_store() -> None:
    store, written = Store(), list[str]()
    store.opens = raises(StoreError("away"))
    carrier, _ = started(store)
    carrier.first_answer(5.0)
    for words in ("one", "two", "three"):
        carrier.note(lambda words=words: written.append(words))  # type: ignore[misc]
    carrier.note(lambda: written.append("views"), kind="views")
    store.opens = lambda: None
    assert carrier.close(5.0) == [] and written == ["three", "views"]


def test_who_cannot_be_told_stops_nothing() -> None:
    store = Store()
    carrier = Carrier(store, "MLflow", raises(OSError("no terminal")), pace_seconds=0.01)
    store.opens = raises(StoreError("away"))
    carrier.start()
    carrier.first_answer(5.0)
    store.opens = lambda: None
    carrier.news(*a_run(1))
    assert carrier.close(5.0) == []


def test_a_request_that_hangs_does_not_hold_the_exit() -> None:
    code = (
        "import threading\nfrom spineseg.carrier import Carrier\n"
        "class Hangs:\n    def open(self): threading.Event().wait()\n"
        "carrier = Carrier(Hangs(), 'MLflow', print)\ncarrier.start()\n"
        "print(carrier.close(0.1))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
