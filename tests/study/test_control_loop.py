"""The loop: what waits, where it goes, what ends a study, and what is begun before it must."""

from __future__ import annotations

import gc
import threading
import time
from pathlib import Path

import pytest
from fake_trainer import FakeChild, FakeLauncher
from small_study import names, run, run_scored, runs

from spineseg.config.yaml_files import load_study
from spineseg.errors import ConfigError, RunError
from spineseg.events import Epoch, Lost, Started
from spineseg.retry import ask_again
from spineseg.training.orders import Orders
from spineseg.training.slot import Slot
from study import driver

NO_SEARCH = "search.trials=0"


class Placed(FakeLauncher):
    """Notes what is started where, and told what."""

    def __init__(self, **told: object) -> None:
        super().__init__(**told)  # type: ignore[arg-type]
        self.placed: list[tuple[str, str, Orders]] = []

    def start(self, run_folder: Path, orders: Orders, slot: Slot) -> FakeChild:
        self.placed.append((run_folder.name[4:], slot.name, orders))
        return super().start(run_folder, orders, slot)


def test_a_training_short_of_memory_goes_to_another_slot_then_into_parts(path: Path) -> None:
    launcher = Placed(short_at={"slow": 3})
    config = run(path, launcher, NO_SEARCH, "devices.trials_per_device=2")
    tried = [(slot, orders.split) for name, slot, orders in launcher.placed if name == "slow"]
    assert [split for _, split in tried] == [1, 1, 2, 4]
    assert tried[0][0] != tried[1][0]
    slow = next(each for each in runs(config) if each.name == "slow")
    assert slow.outcome == "completed"
    assert [event.attempt for event in slow.log if isinstance(event, Started)] == [1, 2, 3, 4]
    assert sum(isinstance(event, Lost) for event in slow.log) == 3


def test_one_that_stays_short_of_memory_fails_and_the_study_goes_on(path: Path) -> None:
    config = run(path, FakeLauncher(short_at={"no-flips": 9}), NO_SEARCH)
    failed = next(each for each in runs(config) if each.name == "no-flips").failed
    assert failed is not None and failed.kind == "out_of_memory"
    assert names(config) == ["baseline", "no-flips", "slow"]


def test_a_failed_baseline_ends_the_study_and_the_next_command_says_so_at_once(path: Path) -> None:
    with pytest.raises(RunError, match="its baseline failed"):
        run(path, FakeLauncher(fails={"baseline": "bug"}))
    again = FakeLauncher()
    with pytest.raises(RunError, match="retry"):
        run(path, again)
    assert again.started == []
    config = load_study(path)
    assert names(config) == ["baseline"]
    ask_again(runs(config)[0], "mended")
    run(path, FakeLauncher())
    assert names(config)[:2] == ["baseline", "baseline"] and len(names(config)) == 7


def test_the_same_failure_three_times_ends_the_study(path: Path) -> None:
    broken = {f"search-{number:03d}": "bug" for number in range(1, 9)}
    with pytest.raises(RunError, match="3 trainings failed in the same way"):
        run(path, FakeLauncher(fails=broken), "search.trials=8")
    assert names(load_study(path)) == [
        *("baseline", "no-flips", "slow"),
        *("search-001", "search-002", "search-003"),
    ]


def test_the_same_failure_counts_on_over_restarts_and_a_later_run_needs_three_more(
    path: Path,
) -> None:
    broken = {f"search-{number:03d}": "bug" for number in range(1, 9)}

    def stopped(*sets: str) -> int:
        with pytest.raises(RunError, match="trainings failed in the same way"):
            run(path, FakeLauncher(fails=broken), *sets)
        return len(names(load_study(path))) - 3

    run(path, FakeLauncher(fails=broken), "search.trials=2")  # And was killed, say.
    assert [stopped("search.trials=8"), stopped("search.trials=8")] == [3, 6]


def test_a_free_slot_begins_what_no_choice_hangs_on_any_more(confirmable: Path) -> None:
    """The last variant is held; meanwhile the baseline is trained on its fresh seeds."""
    held = threading.Event()
    launcher = FakeLauncher(holds_at=("slow", 1, held))
    launcher.count = 2
    config = load_study(confirmable)

    def let_go() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and "baseline-seed-3" not in launcher.started:
            time.sleep(0.02)
        launcher.let_go.set()

    threading.Thread(target=let_go, daemon=True).start()
    assert driver.run_study(config, confirmable, launcher)
    order = launcher.started
    assert order.index("baseline-seed-3") < order.index("no-flips-seed-1")
    assert len(order) == len(set(order)) == 9


def test_a_deadline_that_is_past_is_refused_and_trains_nothing(path: Path) -> None:
    launcher = FakeLauncher()
    with pytest.raises(ConfigError, match=r"limits\.deadline .* is past"):
        run(path, launcher, "limits.deadline=2020-01-01T08:00")
    assert launcher.started == []


def test_a_spent_budget_begins_nothing_more_and_a_larger_one_goes_on(path: Path) -> None:
    config = run(path, FakeLauncher(), "limits.trainings=2")
    assert names(config) == ["baseline", "no-flips"]
    config = run(path, FakeLauncher(), "limits.trainings=4")
    assert names(config) == ["baseline", "no-flips", "slow", "search-001"]


def test_figures_of_ended_trainings_are_not_kept_in_memory(path: Path) -> None:
    class Counting(Placed):
        epochs = 0

        def start(self, run_folder: Path, orders: Orders, slot: Slot) -> FakeChild:
            gc.collect()
            self.epochs = sum(isinstance(each, Epoch) for each in gc.get_objects())
            return super().start(run_folder, orders, slot)

    before = sum(isinstance(each, Epoch) for each in gc.get_objects())
    launcher = Counting()
    config = run(path, launcher, "search.trials=12")
    trained = sum(each.epoch_count for each in runs(config))
    assert len(launcher.placed) == 15 and launcher.epochs - before < trained / 3


def test_a_failed_confirmation_is_tried_again_by_the_next_command(confirmable: Path) -> None:
    dies = FakeLauncher(dies_at={"baseline-seed-2": [0, 0, 0]})
    config = run(confirmable, dies)
    assert sum(each.failed is not None for each in runs(config)) == 1
    _, launcher = run_scored(confirmable)
    assert launcher.started == ["baseline-seed-2"]
    assert names(config).count("baseline-seed-2") == 2


class Scarce(FakeLauncher):
    """An executor whose only slot is away for some looks, as a cluster's may be."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    def slots(self) -> list[Slot]:
        self.looks += 1
        return super().slots() if self.looks % 3 == 0 else []


def test_a_study_waits_for_a_slot_that_is_away_and_runs_to_its_end(path: Path) -> None:
    config = run(path, Scarce(), NO_SEARCH, "baseline.epochs=1")
    assert [each.outcome for each in runs(config)] == ["completed"] * 3


def test_searched_configurations_that_diverge_do_not_end_the_study(path: Path) -> None:
    broken = {f"search-{number:03d}": "nan_loss" for number in range(1, 5)}
    config = run(path, FakeLauncher(fails=broken), "search.trials=5", "baseline.epochs=1")
    assert [each.outcome for each in runs(config)][-1] == "completed" and len(runs(config)) == 8


def test_a_training_that_has_ended_and_does_not_go_keeps_its_slot(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lingering(FakeChild):
        def is_alive(self) -> bool:
            return super().is_alive() or not self.killed.is_set()

    monkeypatch.setattr("fake_trainer.FakeChild", Lingering)
    monkeypatch.setattr("study.at_work._GOING_SECONDS", 0.5)
    config = run(path, FakeLauncher(), NO_SEARCH, "baseline.epochs=1")
    assert [each.outcome for each in runs(config)] == ["completed"] * 3


def test_a_failed_run_that_is_tidied_away_meanwhile_ends_no_study(path: Path) -> None:
    def tidy(name: str) -> None:
        if name == "search-001":
            folder = next((path.parent / "mlruns/work/studies/small").glob("*-slow"))
            folder.rename(path.parent / "tidied")

    launcher = FakeLauncher(fails={"slow": "nan_loss"}, on_start=tidy)
    run(path, launcher, "baseline.epochs=1")
    assert launcher.started[-1] == "search-003"
