"""The driver's guarantees, with a fake trainer: order, pruning, failure, resumption, records."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from fake_trainer import FakeLauncher
from mlflow_server import Server
from optuna.trial import TrialState
from small_study import (
    mlflow_runs,
    names,
    places,
    run,
    run_ids,
    runs,
    trials,
)

from spineseg.config.yaml_files import load_study
from spineseg.errors import ConfigError, StoreError, WeightsError
from spineseg.study_status import study_status
from spineseg.tracking.store import open_store
from study import driver
from study.compare import compare_study, summarised
from study.promote import promote_best


def test_baseline_comes_first_then_variants_then_the_search(path: Path) -> None:
    launcher = FakeLauncher()
    config = run(path, launcher)
    order = ["baseline", "no-flips", "slow", "search-001", "search-002", "search-003"]
    assert launcher.started == order == names(config)
    assert runs(config)[0].job.changes == {}


def test_a_finished_study_runs_nothing_again_and_a_larger_budget_only_the_rest(path: Path) -> None:
    run(path, FakeLauncher())
    again = FakeLauncher()
    run(path, again)
    assert again.started == []
    run(path, again, "search.trials=4")
    assert again.started == ["search-004"]


def test_a_variant_added_later_is_run_then(path: Path) -> None:
    run(path, FakeLauncher(), "search.trials=0")
    text = path.read_text().replace(
        "search:", "  - {name: late, hypothesis: Late., changes: {mosaic: 0.0}}\nsearch:"
    )
    path.write_text(text)
    late = FakeLauncher()
    run(path, late, "search.trials=0")
    assert late.started == ["late"]


def test_a_pruned_trial_is_recorded_as_pruned_not_failed(path: Path) -> None:
    def worse_each_time(config: object) -> float:
        return 0.5 if len(launcher.started) <= 3 else 0.1

    launcher = FakeLauncher(worse_each_time)
    config = run(path, launcher)
    pruned = [run for run in runs(config) if run.outcome == "pruned"]
    assert pruned and all(run.job.kind == "search" for run in pruned)
    for run_ in pruned:
        assert trials(config)[run_.job.number].state == TrialState.PRUNED
        assert len(run_.epochs) < 4
        status, tags = mlflow_runs(config)[run_.name]
        assert (status, tags["outcome"]) == ("FINISHED", "pruned")


def test_baseline_and_variants_are_never_pruned(path: Path) -> None:
    config = run(path, FakeLauncher(lambda config: 0.9 if config.fliplr else 0.01))
    assert [t.state for t in trials(config)[:3]] == [TrialState.COMPLETE] * 3


@pytest.mark.parametrize("kind", ["out_of_memory", "nan_loss", "bad_data", "bug"])
def test_a_failure_has_the_same_word_everywhere_and_the_study_goes_on(
    path: Path, kind: str
) -> None:
    config = run(path, FakeLauncher(fails={"no-flips": kind}), "search.trials=0")
    assert trials(config)[1].state == TrialState.FAIL
    failed_run = runs(config)[1].failed
    assert failed_run is not None and failed_run.kind == kind
    status, tags = mlflow_runs(config)["no-flips"]
    assert (status, tags["outcome"], tags["failure"]) == ("FAILED", "failed", kind)
    assert trials(config)[2].state == TrialState.COMPLETE
    failed = summarised(config)[1].run("no-flips")
    assert failed and failed.failure and failed.failure.startswith(kind)


def test_a_child_that_dies_is_started_again_from_its_last_epoch(path: Path) -> None:
    launcher = FakeLauncher(dies_at={"no-flips": [2]})
    config = run(path, launcher, "search.trials=0")
    assert launcher.started == ["baseline", "no-flips", "no-flips", "slow"]
    trial = trials(config)[1]
    assert trial.state == TrialState.COMPLETE
    assert sorted(trial.intermediate_values) == [1, 2, 3, 4]


def test_a_child_that_keeps_dying_ends_as_killed(path: Path) -> None:
    launcher = FakeLauncher(dies_at={"slow": [1, 0, 0, 0]})
    config = run(path, launcher, "search.trials=0")
    failed = runs(config)[2].failed
    assert failed is not None and failed.kind == "killed"
    assert launcher.started.count("slow") == 3


def test_an_interrupted_trial_goes_on_in_the_same_trial_and_the_same_run(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The study is stopped in the middle of a variant, as by Ctrl-C, and then run again."""
    reached = threading.Event()
    config = load_study(path)
    launcher = FakeLauncher(holds_at=("no-flips", 2, reached))
    flags: list[threading.Event] = []
    monkeypatch.setattr(driver, "_stopping_on_signals", lambda flag: _watch(flag, reached, flags))
    assert driver.run_study(config, path, launcher) is False
    interrupted = trials(config)[1]
    assert interrupted.state == TrialState.RUNNING
    before, ids = mlflow_runs(config), run_ids(config)
    assert before["no-flips"][0] == "RUNNING"
    assert study_status(config).trials[1].state == "interrupted"
    monkeypatch.undo()
    again = FakeLauncher()
    run(path, again)
    assert again.started[0] == "no-flips" and "baseline" not in again.started
    resumed = trials(config)[1]
    assert resumed.state == TrialState.COMPLETE
    assert run_ids(config)["small/1"] == ids["small/1"]
    assert set(before) < set(mlflow_runs(config))


class _watch:
    """Sets the study's interruption flag as soon as the trainer holds."""

    def __init__(
        self, flag: threading.Event, reached: threading.Event, flags: list[threading.Event]
    ):
        def wait() -> None:
            reached.wait(30)
            flag.set()

        threading.Thread(target=wait, daemon=True).start()

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("baseline.epochs=5", "baseline.epochs 4, now 5"),
        ("objective=box_map50", "objective"),
    ],
)
def test_another_baseline_under_the_same_name_is_refused(
    path: Path, override: str, words: str
) -> None:
    run(path, FakeLauncher(), "search.trials=0")
    with pytest.raises(ConfigError, match=words):
        run(path, FakeLauncher(), override)


def test_other_data_under_the_same_name_are_refused(path: Path) -> None:
    run(path, FakeLauncher(), "search.trials=0")
    label = next((path.parent / "export" / "train" / "labels").iterdir())
    label.write_text("0 0.1 0.1 0.4 0.1 0.4 0.4\n")
    with pytest.raises(ConfigError, match="data_fingerprint"):
        run(path, FakeLauncher())


def test_missing_weights_stop_the_study_before_anything_trains(path: Path) -> None:
    launcher = FakeLauncher()
    with pytest.raises(WeightsError, match=r"nowhere\.pt"):
        run(path, launcher, "baseline.weights=nowhere.pt")
    assert launcher.started == []


def test_two_drivers_of_one_study_are_refused(path: Path) -> None:
    driven = pytest.raises(StoreError, match="being run or promoted already")
    with places(load_study(path)).lock(), driven:
        run(path, FakeLauncher())


def test_baseline_and_variants_inside_the_space_teach_the_sampler(path: Path) -> None:
    config = run(path, FakeLauncher(), "search.trials=0")
    baseline, no_flips, slow = trials(config)
    assert baseline.params == {"lr0": 0.003} and slow.params == {"lr0": 0.001}
    assert no_flips.params == {}


def test_the_search_is_the_same_for_the_same_seed(path: Path, tmp_path: Path) -> None:
    one = run(path, FakeLauncher())
    two = run(path, FakeLauncher(), f"store.root={tmp_path / 'other'}")
    assert [t.params for t in trials(one)] == [t.params for t in trials(two)]


def test_two_trials_at_a_time_lose_none(path: Path) -> None:
    launcher = FakeLauncher()
    config = run(path, launcher, "devices.trials_per_device=2")
    assert sorted(launcher.started) == sorted(names(config)) and len(names(config)) == 6
    assert all(trial.state.is_finished() for trial in trials(config))


def test_every_run_keeps_what_it_was_made_from(path: Path) -> None:
    config = run(path, FakeLauncher(), "search.trials=0")
    store = open_store(config.store.root, None)
    run_id = run_ids(config)["small/1"]
    data = store.client.get_run(run_id).data
    assert data.params["fliplr"] == "0.0" and data.params["epochs"] == "4"
    assert "Hypothesis: Flips hurt." in data.tags["mlflow.note.content"]
    assert data.tags["changed"] == "fliplr 0" and data.tags["seed"] == "0"
    job = runs(config)[1].job
    assert data.tags["data"] == job.data_fingerprint[:12]
    assert data.tags["code_version"] == job.code_version
    assert data.tags["mlflow.source.git.commit"] == job.commit != ""
    assert data.tags["mlflow.user"] == job.user != ""
    history = store.client.get_metric_history(run_id, "valid/mask_map50")
    assert [metric.step for metric in history] == [1, 2, 3, 4]
    files = {f.path for f in store.client.list_artifacts(run_id, "weights")}
    assert files == {"weights/best.pt", "weights/last.pt"}


def test_a_deleted_mlflow_store_is_filled_again_from_the_logs(path: Path) -> None:
    config = run(path, FakeLauncher(), "search.trials=0")
    before = mlflow_runs(config)
    (config.store.root / "mlflow.db").unlink()
    idle = FakeLauncher()
    run(path, idle, "search.trials=0")
    assert idle.started == []
    after = mlflow_runs(config)
    assert {name: status for name, (status, _) in after.items() if "study" not in name} == {
        name: status for name, (status, _) in before.items() if "study" not in name
    }


@pytest.mark.wide
def test_a_store_that_goes_away_in_mid_study_stops_no_training_and_is_filled_later(
    path: Path, tmp_path: Path
) -> None:
    server = Server(tmp_path)
    server.start()
    try:
        launcher = FakeLauncher(on_start=lambda name: server.kill() if name == "slow" else None)
        config = run(path, launcher, "search.trials=0", f"store.mlflow_uri={server.uri}")
        assert launcher.started == ["baseline", "no-flips", "slow"]
        assert [trial.state for trial in trials(config)] == [TrialState.COMPLETE] * 3
        server.start()
        run(path, FakeLauncher(), "search.trials=0", f"store.mlflow_uri={server.uri}")
        assert mlflow_runs(config)["slow"][0] == "FINISHED"
    finally:
        server.kill()


def test_compare_and_promote_need_a_study_that_was_run(path: Path, tmp_path: Path) -> None:
    config = load_study(path, [f"store.root={tmp_path / 'new'}"])
    for command in (compare_study, promote_best, study_status):
        with pytest.raises(StoreError, match="has not been run yet"):
            command(config)
    assert not (config.store.root / "optuna.db").exists()


def test_the_best_run_is_the_baseline_when_nothing_beats_it(path: Path) -> None:
    config = run(
        path,
        FakeLauncher(lambda c: 0.4 if c.fliplr == 0 or c.lr0 != 0.003 else 0.6),
        "search.trials=0",
    )
    assert summarised(config)[1].best == "baseline"
