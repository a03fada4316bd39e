"""Both stores are filled again from the run folders, and never tell a run what it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from exports import write_export
from fake_trainer import FakeLauncher
from optuna.trial import FrozenTrial, TrialState
from sealed_looks import Looks
from small_study import (
    names,
    optuna_study,
    places,
    run,
    run_scored,
    runs,
    tracked_runs,
    trials,
)

from spineseg import code_version, recorded_job
from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.errors import ConfigError, RecordError
from spineseg.tracking.store import open_store
from spineseg.tracking.views.marks import COLOR
from study.compare import compare_study
from study.promote import promote_best

pytestmark = pytest.mark.wide


def optuna_facts(config: StudyConfig) -> list[dict[str, Any]]:
    """Return what Optuna's store tells of each trial, but for its own ids."""
    return [_facts(trial) for trial in trials(config)]


def _facts(trial: FrozenTrial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "state": trial.state.name,
        "values": trial.values,
        "params": trial.params,
        "distributions": {k: repr(v) for k, v in trial.distributions.items()},
        "intermediate": trial.intermediate_values,
        "attributes": trial.user_attrs,
    }


_OF_THE_STORE = {"mlflow.parentRunId", COLOR}  # `compare` colours the runs, in whichever store.


def mlflow_facts(config: StudyConfig) -> dict[str, dict[str, Any]]:
    """Return what MLflow's store tells of each job's run: all of it but MLflow's own ids."""
    store = open_store(config.store.root, config.store.mlflow_uri)
    facts = {}
    for key, found in tracked_runs(config).items():
        run_id, data = found.info.run_id, found.data
        history = {m: store.client.get_metric_history(run_id, m) for m in data.metrics}
        tags = {k: v for k, v in data.tags.items() if k not in _OF_THE_STORE}
        facts[key] = {
            "name": found.info.run_name,
            "status": found.info.status,
            "times": (found.info.start_time, found.info.end_time),
            "params": data.params,
            "tags": tags,
            "metrics": {
                m: sorted((p.timestamp, p.step, p.value) for p in points)
                for m, points in history.items()
            },
            "artifacts": sorted(_artifacts(store, run_id)),
        }
    return facts


def _artifacts(store: Any, run_id: str, folder: str | None = None) -> list[str]:
    found = []
    for file in store.client.list_artifacts(run_id, folder):
        found += _artifacts(store, run_id, file.path) if file.is_dir else [file.path]
    return found


def empty_stores_of(path: Path, folder: Path, *sets: str) -> StudyConfig:
    """Return the study with both stores at addresses where there is nothing yet."""
    uris = [f"sqlite:///{folder / name}.db" for name in ("other-mlflow", "other-optuna")]
    return load_study(path, [f"store.mlflow_uri={uris[0]}", f"store.optuna_url={uris[1]}", *sets])


def table(config: StudyConfig) -> str:
    compare_study(config)
    return (places(config).folder / "comparison.csv").read_text()


def test_empty_stores_are_filled_by_the_next_command_as_the_first_ones_were(
    path: Path, tmp_path: Path
) -> None:
    config = run(path, FakeLauncher())
    before = table(config)
    empty = empty_stores_of(path, tmp_path)
    assert table(empty) == before
    assert optuna_facts(empty) == optuna_facts(config)
    assert mlflow_facts(empty) == mlflow_facts(config)


@pytest.mark.wide
def test_an_empty_mlflow_is_filled_with_the_test_scores_too(
    confirmable: Path, tmp_path: Path, looks: Looks
) -> None:
    config, _ = run_scored(confirmable)
    promote_best(config)
    empty = empty_stores_of(confirmable, tmp_path)
    compare_study(empty)
    assert "test/mask_map50_95" in mlflow_facts(empty)["small/4"]["metrics"]
    assert mlflow_facts(empty) == mlflow_facts(config)


@pytest.mark.wide
def test_filling_full_stores_again_adds_nothing(path: Path) -> None:
    config = run(path, FakeLauncher())
    compare_study(config)
    before = optuna_facts(config), mlflow_facts(config)
    for _ in range(2):
        compare_study(config)
    run(path, FakeLauncher())
    assert (optuna_facts(config), mlflow_facts(config)) == before


def test_another_address_of_optunas_store_is_filled_and_the_study_goes_on_there(
    path: Path, tmp_path: Path
) -> None:
    run(path, FakeLauncher())
    again = FakeLauncher()
    elsewhere = f"store.optuna_url=sqlite:///{tmp_path / 'elsewhere.db'}"
    config = run(path, again, elsewhere, "search.trials=4")
    assert again.started == ["search-004"]
    assert [trial.number for trial in trials(config)] == list(range(7))


def test_a_lost_store_and_another_seed_give_no_run_the_parameters_of_another(path: Path) -> None:
    config = run(path, FakeLauncher())
    before = {r.name: (r.job.parameters, r.value) for r in runs(config) if r.finished}
    (config.store.root / "optuna.db").unlink()
    idle = FakeLauncher()
    run(path, idle, "search.seed=7")
    assert idle.started == []
    for found in runs(config):
        trial = trials(config)[found.job.number]
        assert before[found.name] == (found.job.parameters, found.value)
        assert trial.params == found.job.parameters
        if found.outcome == "completed":
            assert trial.values == [found.value]


def test_a_job_on_record_that_is_not_what_optuna_asks_is_refused_with_both(path: Path) -> None:
    config = run(path, FakeLauncher(), "search.trials=0")
    study = optuna_study(config)
    study.enqueue_trial({"lr0": 0.0178})
    folder = places(config).folder / "003-search-001"
    shutil.copytree(places(config).folder / "002-slow", folder)
    job = json.loads((folder / "job.json").read_text())
    job |= {
        "id": "0" * 32,
        "number": 3,
        "name": "search-001",
        "arm": "search-001",
        "kind": "search",
    }
    job["config"]["lr0"] = 0.015
    job |= {"changes": {"lr0": 0.015}, "parameters": {"lr0": 0.015}}
    (folder / "job.json").write_text(json.dumps(job))
    (folder / "events.jsonl").unlink()
    shutil.rmtree(folder / "train")
    study.ask()  # Optuna has a trial 3 of its own under way.
    study._storage.set_trial_user_attr(study.trials[3]._trial_id, "name", "other")
    launcher = FakeLauncher()
    with pytest.raises(RecordError, match=r"003-search-001: Optuna's store has the name other"):
        run(path, launcher)
    assert launcher.started == []


def test_a_store_that_contradicts_a_folder_is_refused_with_both_values(path: Path) -> None:
    config = run(path, FakeLauncher(), "search.trials=0")
    other = places(config).folder / "001-no-flips" / "events.jsonl"
    log = other.read_text().replace('"best/mask_map50_95": 0.7', '"best/mask_map50_95": 0.9')
    assert log != other.read_text()
    other.write_text(log)
    with pytest.raises(RecordError, match=r"has the mask_map50_95 \[0\.7\], the folder \[0\.9\]"):
        run(path, FakeLauncher(), "search.trials=0")


def test_an_interrupted_run_goes_on_with_its_store_lost(path: Path) -> None:
    config = run(path, FakeLauncher(), "search.trials=0")
    log = places(config).folder / "002-slow" / "events.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:3]))  # Two epochs, no end.
    (config.store.root / "optuna.db").unlink()
    again = FakeLauncher()
    run(path, again, "search.trials=0")
    assert again.started == ["slow"]
    assert trials(config)[2].state == TrialState.COMPLETE
    assert sorted(trials(config)[2].intermediate_values) == [1, 2, 3, 4]


def test_a_run_that_the_store_tells_of_and_no_folder_does_is_refused_then_run_again(
    path: Path,
) -> None:
    config = run(path, FakeLauncher())
    shutil.rmtree(places(config).folder / "001-no-flips")
    with pytest.raises(RecordError, match=r"has run 001-no-flips .* as COMPLETE, and there is no"):
        run(path, FakeLauncher())
    (config.store.root / "optuna.db").unlink()
    again = FakeLauncher()
    run(path, again)
    assert again.started == ["no-flips"] and names(config)[-1] == "no-flips"
    assert [t.state for t in trials(config)][1] == TrialState.FAIL


def test_a_replay_keeps_the_code_version_of_then(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = run(path, FakeLauncher(), "search.trials=0")
    then = runs(config)[0].job.code_version
    (config.store.root / "mlflow.db").unlink()
    monkeypatch.setattr(recorded_job, "code_version", lambda: "9.9-tomorrow")
    monkeypatch.setattr(code_version, "code_version", lambda: "9.9-tomorrow")
    run(path, FakeLauncher(), "search.trials=0")
    assert tracked_runs(config)["small/0"].data.tags["code_version"] == then


def test_a_studys_folder_is_compared_and_promoted_on_another_machine(
    confirmable: Path, tmp_path: Path, looks: Looks
) -> None:
    config, _ = run_scored(confirmable)
    before = table(config)
    there = tmp_path / "there" / "mlruns"
    shutil.copytree(places(config).folder, there / "work" / "studies" / "small")
    config.store.root.rename(tmp_path / "gone")
    moved = load_study(confirmable, [f"store.root={there}"])
    assert table(moved) == before
    data = next((tmp_path / "gone" / "work" / "data").glob("merged-*"))
    shutil.copytree(data, there / "work" / "data" / data.name)
    assert promote_best(moved).promoted
    assert len(tracked_runs(moved)) == len(trials(moved)) == 9


def test_a_copied_study_goes_on_with_the_data_of_its_new_machine(
    path: Path, tmp_path: Path
) -> None:
    config = run(path, FakeLauncher(), "search.trials=0")
    there = tmp_path / "there" / "mlruns"
    shutil.copytree(places(config).folder, there / "work" / "studies" / "small")
    config.store.root.rename(tmp_path / "gone")
    log = there / "work" / "studies" / "small" / "002-slow" / "events.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:3]))
    again = FakeLauncher()
    moved = run(path, again, "search.trials=1", f"store.root={there}")
    assert again.started == ["slow", "search-001"]
    assert str(there) in str(runs(moved)[2].job.dataset)


def test_a_study_moved_while_it_runs_is_told_and_nothing_is_made_in_its_place(path: Path) -> None:
    folder = places(load_study(path)).folder

    def move(name: str) -> None:
        if name == "no-flips":
            folder.rename(folder.with_name("moved"))

    with pytest.raises(RecordError, match=r"001-no-flips: was moved or replaced .* put it back"):
        run(path, FakeLauncher(on_start=move), "search.trials=0")
    assert not (folder / "001-no-flips").exists()
    (folder.with_name("moved")).rename(folder)
    again = FakeLauncher()
    run(path, again, "search.trials=0")
    assert again.started == ["no-flips", "slow"]


def test_more_films_are_other_data_also_when_the_store_is_lost(path: Path) -> None:
    config = run(path, FakeLauncher(), "search.trials=0")
    (config.store.root / "optuna.db").unlink()
    write_export(path.parent / "more", {"train": 1}, seed=5)
    for kind in ("images", "labels"):
        for file in (path.parent / "more" / "train" / kind).iterdir():
            shutil.copy(file, path.parent / "export" / "train" / kind / file.name)
    with pytest.raises(ConfigError, match="data_fingerprint"):
        run(path, FakeLauncher(), "search.trials=0")
