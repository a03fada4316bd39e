"""What the driver asks Optuna's database at its start: the first number that is free."""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from fake_trainer import FakeLauncher
from optuna.trial import TrialState
from run_folders import make_job, write_finished
from small_study import names, optuna_study, places, run, trials

from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.errors import InUseError, RecordError, StoreError
from spineseg.runs import read_runs
from study.optuna_database import study_held
from study.optuna_projection import open_study
from study.optuna_store import first_free_number


@pytest.fixture
def config(path: Path) -> StudyConfig:
    """A study whose baseline was trained, with an empty database."""
    config = load_study(path)
    write_finished(places(config).folder, make_job())
    return config


def test_the_first_free_number_is_after_all_folders_and_all_trials(config: StudyConfig) -> None:
    runs = read_runs(places(config).folder)
    assert first_free_number(config, []) == 0
    assert first_free_number(config, runs) == 1
    study = open_study(config, runs)
    study.enqueue_trial({"lr0": 0.002}, user_attrs={"name": "search-001", "kind": "search"})
    study.enqueue_trial({"lr0": 0.003}, user_attrs={"name": "search-002", "kind": "search"})
    study.ask().set_user_attr("name", "search-001")  # By an earlier version, and then killed.
    study.ask()
    for _ in range(2):
        assert first_free_number(config, runs) == 3
    assert [(t.state, t.user_attrs.get("name")) for t in trials(config)] == [
        (TrialState.COMPLETE, "baseline"),
        (TrialState.FAIL, None),
        (TrialState.FAIL, None),
    ]
    write_finished(places(config).folder, make_job(number=5, name="slow", id="5" * 32))
    assert first_free_number(config, read_runs(places(config).folder)) == 6


def test_a_contradiction_is_refused_at_the_start(config: StudyConfig) -> None:
    runs = read_runs(places(config).folder)
    open_study(config, runs)
    with pytest.raises(RecordError, match=r"000-baseline .* COMPLETE, and there is no folder"):
        first_free_number(config, [])


def test_a_database_locked_at_the_start_is_waited_for_and_said(config: StudyConfig) -> None:
    runs = read_runs(places(config).folder)
    open_study(config, runs)
    said: list[str] = []
    held = threading.Event()

    def hold() -> None:
        file = config.store.root / "optuna.db"
        with closing(sqlite3.connect(file, isolation_level=None)) as database:
            database.execute("BEGIN EXCLUSIVE")
            held.set()
            for _ in range(600):
                if said:
                    break
                time.sleep(0.1)

    other = threading.Thread(target=hold)
    other.start()
    held.wait()
    with study_held(config, said.append):
        assert first_free_number(config, runs, said.append) == 1
    other.join()
    assert "(database is locked)" in said[0] and "Ctrl-C stops" in said[0]
    with closing(sqlite3.connect(config.store.root / "optuna.db", isolation_level=None)) as more:
        more.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="database is locked"):
            first_free_number(config, runs, said.append, stopping=lambda: True)


def test_two_roots_at_one_database_are_one_study_and_the_second_is_refused(
    config: StudyConfig, tmp_path: Path
) -> None:
    url = f"sqlite:///{config.store.root / 'optuna.db'}"
    other = config.store.model_copy(update={"root": tmp_path / "b", "optuna_url": url})
    with study_held(config, print):
        with (
            pytest.raises(InUseError, match=f"with {config.store.root.resolve()}") as told,
            study_held(config.model_copy(update={"store": other}), print),
        ):
            pass
        assert "\n" not in str(told.value)
    with study_held(config.model_copy(update={"store": other}), print):
        pass


def test_a_second_driver_of_another_root_is_refused_and_the_first_is_unharmed(path: Path) -> None:
    url = f"store.optuna_url=sqlite:///{path.parent / 'shared.db'}"
    at_work, go_on = threading.Event(), threading.Event()

    def wait(name: str) -> None:
        if name == "slow":
            at_work.set()
            go_on.wait(300)

    first = threading.Thread(target=lambda: run(path, FakeLauncher(on_start=wait), url))
    first.start()
    assert at_work.wait(300)
    idle = FakeLauncher()
    with pytest.raises(InUseError, match="study 'small' is in the hands of process") as told:
        run(path, idle, url, f"store.root={path.parent / 'b'}")
    assert "\n" not in str(told.value) and idle.started == []
    go_on.set()
    first.join()
    config = load_study(path, [url])
    assert [trial.user_attrs["name"] for trial in trials(config)] == names(config)
    assert len(names(config)) == 6 and {t.state for t in trials(config)} != {TrialState.RUNNING}


def with_url(config: StudyConfig, url: str, mlflow: str | None = None) -> StudyConfig:
    store = config.store.model_copy(update={"optuna_url": url, "mlflow_uri": mlflow})
    return config.model_copy(update={"store": store})


def test_mlflows_database_is_refused_for_optuna(config: StudyConfig, tmp_path: Path) -> None:
    mlflows = f"sqlite:///{config.store.root / 'mlflow.db'}"
    fresh = f"sqlite:///{tmp_path / 'fresh.db'}"
    for asked in (with_url(config, mlflows), with_url(config, fresh, fresh)):
        with pytest.raises(StoreError, match="is MLflow's database, and Optuna needs one of its"):
            first_free_number(asked, [])


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_postgresql_without_its_driver_names_the_remedy(
    config: StudyConfig, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    for name in ("psycopg", "psycopg2"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(StoreError, match="`make setup EXTRA=postgres`") as told:
        first_free_number(with_url(config, f"{scheme}://me:hush@127.0.0.1/studies"), [])
    assert "\n" not in str(told.value) and "hush" not in str(told.value)


def test_trials_are_read_as_optuna_reads_them(config: StudyConfig) -> None:
    from study.optuna_trials import stored_trials

    study = optuna_study_of(config)
    trial = study.ask({"lr0": optuna.distributions.FloatDistribution(0.001, 0.1, log=True)})
    trial.suggest_categorical("model", ["n", "s", None])
    trial.suggest_int("batch", 2, 8, step=2)
    for step, value in ((1, 0.5), (2, float("inf")), (3, -float("inf"))):
        trial.report(value, step)
    trial.set_user_attr("name", "one")
    study.tell(trial, 0.25)
    (own,) = study.get_trials()
    (told,) = stored_trials(study._storage._backend, study._study_id).values()  # type: ignore[attr-defined]
    assert (told.params, told.values, told.reported, told.attributes, told.state) == (
        own.params,
        own.values,
        own.intermediate_values,
        own.user_attrs,
        own.state.name,
    )


def optuna_study_of(config: StudyConfig) -> optuna.Study:
    open_study(config, [])
    return optuna_study(config)
