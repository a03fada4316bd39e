"""What was asked stays what it was: names given once, edited configs told, queues kept to."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from fake_trainer import FakeLauncher
from small_study import names, optuna_study, places, run, run_scored, runs, trials

from spineseg.config.yaml_files import load_study
from spineseg.errors import ConfigError, RecordError, StoreError
from spineseg.study_status import study_status
from study.compare import compare_study

pytestmark = pytest.mark.wide


def edited(path: Path, before: str, now: str) -> Path:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, now))
    return path


def test_a_searched_run_that_is_lost_leaves_its_name_to_no_other(path: Path) -> None:
    config = run(path, FakeLauncher())
    shutil.rmtree(places(config).folder / "003-search-001")
    (config.store.root / "optuna.db").unlink()
    run(path, FakeLauncher())
    assert len(set(names(config))) == len(names(config)) and "search-004" in names(config)


def test_a_variant_that_was_edited_after_it_ran_is_refused_with_both_values(path: Path) -> None:
    run(path, FakeLauncher(), "search.trials=0")
    edited(path, "changes: {lr0: 0.001}", "changes: {lr0: 0.002}")
    with pytest.raises(ConfigError, match=r"variants\.slow\.changes\.lr0 0\.001, now 0\.002"):
        run(path, FakeLauncher(), "search.trials=0")


def test_a_variant_that_was_edited_while_it_waited_is_trained_as_it_is_now(path: Path) -> None:
    config = load_study(path, ["search.trials=0"])
    with pytest.raises(RuntimeError):
        run(path, FakeLauncher(on_start=_stop_at("no-flips")), "search.trials=0")
    edited(path, "changes: {lr0: 0.001}", "changes: {lr0: 0.009}")
    run(path, FakeLauncher(), "search.trials=0")
    slow = next(r for r in runs(config) if r.name == "slow")
    assert slow.job.config.lr0 == 0.009


def test_a_variant_that_was_taken_out_while_it_waited_is_not_trained(path: Path) -> None:
    with pytest.raises(RuntimeError):
        run(path, FakeLauncher(on_start=_stop_at("no-flips")), "search.trials=0")
    edited(
        path,
        "  - {name: slow, hypothesis: Slower is better., changes: {lr0: 0.001}}\n",
        "",
    )
    again = FakeLauncher()
    run(path, again, "search.trials=0")
    assert again.started == ["no-flips"]


def test_fewer_seeds_than_wait_are_trained_when_fewer_are_asked_for(confirmable: Path) -> None:
    with pytest.raises(RuntimeError):
        run(confirmable, FakeLauncher(on_start=_stop_at("baseline-seed-2")))
    again = FakeLauncher()
    run(confirmable, again, "confirm.seeds=2")
    assert again.started == ["baseline-seed-2", "no-flips-seed-2"]


def _stop_at(name: str):  # type: ignore[no-untyped-def]
    def stop(started: str) -> None:
        if started == name:
            raise RuntimeError("the machine goes down")

    return stop


@pytest.mark.parametrize(
    "axis", ["{choices: [0.003, 0.01]}", "{low: 0.001, high: 0.02, log: false}"]
)
def test_an_axis_of_another_kind_is_refused_before_anything_is_asked(path: Path, axis: str) -> None:
    config = run(path, FakeLauncher())
    count = len(trials(config))
    edited(path, "{low: 0.001, high: 0.02, log: true}", axis)
    with pytest.raises(ConfigError, match=r"search\.space\.lr0\.\w+ .*, now"):
        run(path, FakeLauncher(), "search.trials=4")
    assert len(trials(config)) == count


def test_a_wider_range_goes_on_in_the_same_study(path: Path) -> None:
    run(path, FakeLauncher())
    edited(path, "high: 0.02", "high: 0.05")
    again = FakeLauncher()
    run(path, again, "search.trials=4")
    assert again.started == ["search-004"]


def test_an_epoch_trained_twice_is_told_to_optuna_as_it_went_last(path: Path) -> None:
    """The child dies after its second epoch, whose weights are lost with it."""
    config = run(path, FakeLauncher(), "search.trials=0")
    log = places(config).folder / "002-slow" / "events.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:3]))
    for name in ("optuna.db", "mlflow.db"):
        (config.store.root / name).unlink()
    launcher = FakeLauncher(forgets=1)
    run(path, launcher, "search.trials=0", f"store.mlflow_uri=sqlite:///{path.parent / 'm.db'}")
    told = trials(config)[2].intermediate_values
    assert told == {e.epoch: e.score("mask_map50_95") for e in runs(config)[2].epochs}


def test_a_store_that_lost_its_parameters_is_refused(path: Path) -> None:
    config = run(path, FakeLauncher())
    with sqlite3.connect(config.store.root / "optuna.db") as store:
        store.execute("DELETE FROM trial_params")
    with pytest.raises(RecordError, match=r"has the parameters \{\}, the folder \{'lr0'"):
        compare_study(config)


@pytest.mark.parametrize(
    "url", ["foo", "postgresql+nowhere://a:hush@b/c", "sqlite:///file:{}?mode=ro&uri=true"]
)
def test_a_store_that_cannot_be_used_is_one_line_without_a_password(path: Path, url: str) -> None:
    (path.parent / "empty.db").touch()
    with pytest.raises(StoreError, match=r"cannot be used .*check store") as caught:
        run(path, FakeLauncher(), f"store.optuna_url={url.format(path.parent / 'empty.db')}")
    assert "\n" not in str(caught.value) and "hush" not in str(caught.value)


def test_a_study_that_minimises_is_another_ones(path: Path) -> None:
    config = run(path, FakeLauncher(), "search.trials=0")
    with sqlite3.connect(config.store.root / "optuna.db") as store:
        store.execute("UPDATE study_directions SET direction = 'MINIMIZE'")
    with pytest.raises(StoreError, match="does not maximise"):
        compare_study(config)


def test_the_best_so_far_is_a_configuration_and_no_training_on_a_fresh_seed(
    confirmable: Path,
) -> None:
    config, _ = run_scored(confirmable, score_of=lambda c: 0.9 if c.seed else 0.5)
    assert study_status(config).best in ("baseline", "no-flips", "slow")
    assert optuna_study(config).best_value == 0.9  # As Optuna has it, confirmations and all.
