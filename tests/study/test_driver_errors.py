"""What fails in the driver itself: one line, and no training is left behind to go on alone."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from fake_trainer import FakeChild, FakeLauncher
from small_study import run, runs

from spineseg.events import Failed
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
