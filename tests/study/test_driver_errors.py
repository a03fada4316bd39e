"""What fails in the driver itself: one line, and no training is left behind to go on alone."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest
from fake_trainer import FakeChild, FakeLauncher
from small_study import names, run, runs

from spineseg.config.yaml_files import load_study
from spineseg.events import EVENTS_FILE, Event, Failed, Finished, Lost, append_event
from spineseg.training.devices import CPU
from spineseg.training.orders import Orders
from spineseg.training.slot import Slot

NO_SEARCH = "search.trials=0"


class Watched(FakeLauncher):
    """Keeps the children that it starts."""

    def __init__(self, **told: object) -> None:
        super().__init__(**told)  # type: ignore[arg-type]
        self.children: list[FakeChild] = []

    def start(self, run_folder: Path, orders: Orders, slot: Slot) -> FakeChild:
        self.children.append(super().start(run_folder, orders, slot))
        return self.children[-1]


def test_a_bug_of_the_driver_leaves_no_child_training(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = Watched(holds_at=("baseline", 1, threading.Event()))
    monkeypatch.setattr("study.at_work.report", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(path, launcher, NO_SEARCH)
    assert launcher.children[0].killed.is_set() and not launcher.children[0].is_alive()


def test_a_training_that_dies_says_how_and_where_to_look(path: Path) -> None:
    config = run(path, FakeLauncher(dies_at={"slow": [0, 0, 0]}), NO_SEARCH)
    (died,) = (each for each in runs(config) if each.name == "slow")
    assert isinstance(died.end, Failed) and died.end.kind == "killed"
    log = re.escape(str(died.folder / "train.log"))
    assert re.search(rf"died 3 times .* \(last: SIGKILL\); see .*{log}", died.end.message)


class Left(Watched):
    """Finds the trainings of `names` at work, as a killed driver leaves them."""

    def __init__(self, *names: str) -> None:
        super().__init__(holds_at=(names[0], 1, threading.Event()))
        self.left = set(names)

    def at_work(self, run_folder: Path) -> Slot | None:
        return Slot(run_folder.name, CPU) if run_folder.name[4:] in self.left else None


def test_an_error_while_trainings_are_adopted_leaves_none_of_them_at_work(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(name: str) -> None:
        if name == "slow":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(path, FakeLauncher(on_start=killed), NO_SEARCH, "devices.trials_per_device=2")
    open_ = [each.name for each in runs(load_study(path)) if each.end is None]
    assert "slow" in open_
    launcher = Left(*open_)
    monkeypatch.setattr("study.control_loop.AtWork", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(path, launcher, NO_SEARCH)
    assert launcher.started == open_ and all(c.killed.is_set() for c in launcher.children)


def test_a_second_ctrl_c_waits_for_nobody_and_a_second_sigterm_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that cannot be ended, as one that waits for a disk, is heard out for a while."""
    waited, ended = threading.Event(), threading.Event()

    class Stuck(FakeChild):
        def is_alive(self) -> bool:
            if self.killed.is_set():
                waited.set()
            return not ended.is_set()

    def press() -> None:
        waited.wait(60)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGINT)

    launcher = FakeLauncher(on_start=lambda _: os.kill(os.getpid(), signal.SIGINT))
    monkeypatch.setattr("fake_trainer.FakeChild", Stuck)
    monkeypatch.setattr("study.at_work._HEARD_OUT_SECONDS", 600.0)
    threading.Timer(120.0, ended.set).start()
    pressing = threading.Thread(target=press, daemon=True)
    pressing.start()
    with pytest.raises(KeyboardInterrupt):
        run(path, launcher, NO_SEARCH)
    assert waited.is_set() and not ended.is_set() and names(load_study(path)) == ["baseline"]


def test_an_end_that_was_said_whole_but_for_its_line_is_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that was killed before the last byte."""

    def cut(folder: Path, event: Event) -> None:
        if not isinstance(event, Finished):
            append_event(folder, event)
            return
        with (folder / EVENTS_FILE).open("a") as log:
            log.write(json.dumps(event.model_dump()))

    monkeypatch.setattr("fake_trainer.append_event", cut)
    launcher = FakeLauncher()
    found = runs(run(path, launcher, NO_SEARCH, "baseline.epochs=1"))
    assert launcher.started == ["baseline", "no-flips", "slow"]
    for each in found:
        assert sum(isinstance(event, Finished) for event in each.log) == 1
        assert not any(isinstance(event, Lost) for event in each.log)
