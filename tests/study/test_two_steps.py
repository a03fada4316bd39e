"""A search in two steps: all to one epoch, the best few on; killed anywhere it stays the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_trainer import FakeLauncher
from small_study import run, runs, trials

from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.errors import RunError
from spineseg.events import Lost, Paused, Started
from spineseg.prune_audit import audited_after
from spineseg.study_status import study_status
from spineseg.two_steps import kept_names
from study.trial_queue import at_first_step

STEPS = (
    "variants=[]",
    "search.trials=6",
    "search.startup_trials=2",
    "search.two_step={epochs: 2, keep: 2}",
)


def story(config: StudyConfig) -> list[tuple[object, ...]]:
    """Return what a study came to, but for its times and attempts."""
    return [(r.name, r.job.changes, r.outcome, r.epoch_count, r.value) for r in runs(config)]


@pytest.fixture
def whole(path: Path) -> list[tuple[object, ...]]:
    """What the study comes to that nothing stops."""
    return story(run(path, FakeLauncher(), *STEPS, "name=whole"))


def test_all_train_the_first_step_and_the_best_few_go_on_where_they_were(path: Path) -> None:
    launcher = FakeLauncher()
    config = run(path, launcher, *STEPS)
    searched = [each for each in runs(config) if each.job.kind == "search"]
    ends = {each.name: (each.outcome, each.epoch_count) for each in searched}
    kept = [each for each in searched if each.outcome == "completed"]
    assert len(kept) == 2 and all(end in (("completed", 4), ("pruned", 2)) for end in ends.values())
    at_two = {each.name: each.marks[1].score for each in searched}
    assert {each.name for each in kept} == set(sorted(at_two, key=lambda n: -at_two[n])[:2])
    for each in searched:
        assert sum(isinstance(e, Paused) for e in each.log) == 1
        assert not any(isinstance(e, Lost) for e in each.log)
        starts = [e.resumed_from_epoch for e in each.log if isinstance(e, Started)]
        assert starts[-1] == (2 if len(starts) > 1 else 0)
        assert [mark.epoch for mark in each.marks] == list(range(1, each.epoch_count + 1))
    first = [name for name in launcher.started if name.startswith("search")][:6]
    assert first == sorted(at_two)  # None goes on before all have paused.


def test_optuna_is_told_what_ended_where_and_draws_by_the_first_step(path: Path) -> None:
    config = run(path, FakeLauncher(), *STEPS)
    told = [trial for trial in trials(config) if trial.user_attrs["kind"] == "search"]
    assert sorted(trial.state.name for trial in told) == ["COMPLETE"] * 2 + ["PRUNED"] * 4
    for trial in told:
        shown = at_first_step(trial, 2)
        assert shown.state.name == "COMPLETE"
        assert shown.value == max(trial.intermediate_values[step] for step in (1, 2))


@pytest.mark.parametrize("broken", ["search-003", "search-006"])
@pytest.mark.parametrize("time", [1, 2])
def test_a_driver_that_ends_in_either_step_comes_to_the_same(
    path: Path, whole: list[tuple[object, ...]], broken: str, time: int
) -> None:
    launcher, begun = FakeLauncher(), []

    def note(name: str) -> None:
        begun.append(name)
        if name == broken and begun.count(name) == time:
            raise RunError("the driver ends here")

    launcher.on_start = note
    with pytest.raises(RunError, match="the driver ends here"):
        run(path, launcher, *STEPS)
    assert story(run(path, FakeLauncher(), *STEPS)) == whole


def test_trainings_that_die_at_any_epoch_come_to_the_same(
    path: Path, whole: list[tuple[object, ...]]
) -> None:
    dying = {f"search-{n:03d}": [n % 4, 2, 3][: n % 3 + 1] for n in range(1, 7)}
    assert story(run(path, FakeLauncher(dies_at=dying), *STEPS)) == whole


def test_several_slots_choose_once_all_have_paused(path: Path) -> None:
    config = run(path, FakeLauncher(), *STEPS, "devices.trials_per_device=3")
    ends = [each.outcome for each in runs(config) if each.job.kind == "search"]
    assert sorted(ends) == ["completed"] * 2 + ["pruned"] * 4


def test_a_budget_that_ends_the_search_early_chooses_among_those_that_came(path: Path) -> None:
    config = run(path, FakeLauncher(), *STEPS, "limits.trainings=4")
    ends = [each.outcome for each in runs(config) if each.job.kind == "search"]
    assert sorted(ends) == ["completed"] * 2 + ["pruned"]
    whole = run(path, FakeLauncher(), *STEPS)  # And goes on without the limit.
    assert len(runs(whole)) == 7
    assert kept_names(runs(whole), whole.search) <= {r.name for r in runs(whole)}


def test_a_first_step_as_long_as_the_training_pauses_nothing(path: Path) -> None:
    config = run(path, FakeLauncher(), *STEPS, "search.two_step.epochs=4")
    assert {each.outcome for each in runs(config)} == {"completed"}
    assert load_study(path).search.two_step is None


def test_an_audited_trial_of_the_first_step_goes_on_with_the_best(path: Path) -> None:
    found = runs(run(path, FakeLauncher(), *STEPS, "search.audit=1"))
    searched = [each for each in found if each.job.kind == "search"]
    assert {(each.outcome, each.epoch_count) for each in searched} == {("completed", 4)}
    assert [audited_after(each) for each in searched].count(2) == 4


def test_status_says_which_trials_are_paused(path: Path) -> None:
    def note(name: str) -> None:
        if name == "search-003":
            raise RunError("the driver ends here")

    with pytest.raises(RunError, match="the driver ends here"):
        run(path, FakeLauncher(on_start=note), *STEPS)
    told = study_status(load_study(path, STEPS))
    states = {trial.name: trial.state for trial in told.trials}
    assert (states["search-001"], states["search-002"]) == ("paused", "paused")
    assert states["search-003"] == "interrupted"
