"""Studies whose stores are PostgreSQL: Optuna's database, and MLflow's behind its server."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import ENVIRONMENT
from fake_trainer import FakeLauncher
from group_server import GroupServer, PostgreSQL, postgresql_server
from lease_holder import Holder
from run_folders import epoch, make_job, write_finished
from small_study import names, optuna_study, places, run, runs, tracked_runs

from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.database import StoreAwayError, engine_options
from spineseg.errors import InUseError, StoreError
from spineseg.events import append_event
from spineseg.runs import read_runs
from study.optuna_database import study_held
from study.optuna_projection import OptunaProjection, open_study
from study.optuna_store import first_free_number

pytestmark = pytest.mark.wide


@pytest.fixture
def server() -> Iterator[PostgreSQL]:
    """A PostgreSQL of the test's own."""
    with postgresql_server() as server:
        yield server


def asked(path: Path, url: str) -> StudyConfig:
    return load_study(path, [f"store.optuna_url={url}"])


def test_a_study_runs_to_its_end_with_both_stores_on_postgresql(
    path: Path, tmp_path: Path, server: PostgreSQL
) -> None:
    url = server.database("trials", "postgresql")
    tracking = GroupServer(tmp_path / "tracking", server.database("runs"), logins=False)
    tracking.start()
    try:
        stores = [f"store.optuna_url={url}", f"store.mlflow_uri={tracking.uri}"]
        config = run(path, FakeLauncher(), *stores)
        told = OptunaProjection(config)
        told.open()
        trials = told.refuse_contradictions(runs(config))
        assert [trials[number].name for number in sorted(trials)] == names(config)
        assert all(trial.is_closed for trial in trials.values()) and len(trials) == 6
        assert len(tracked_runs(config)) == 6
        again = FakeLauncher()
        run(path, again, *stores)
        assert again.started == []
        mine = load_study(path, [f"store.optuna_url={tracking.database}"])
        with pytest.raises(StoreError, match="is MLflow's database"):
            first_free_number(mine, [])
    finally:
        tracking.kill()


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_a_database_that_is_started_again_is_used_on_without_an_error(
    path: Path, server: PostgreSQL, driver: str
) -> None:
    config = asked(path, server.database("trials", f"postgresql+{driver}"))
    told = make_job()
    folder = write_finished(places(config).folder, told, 1, None)
    said: list[str] = []
    with study_held(config, said.append) as lease:
        projection = OptunaProjection(config, lease)
        projection.open()
        projection.carry(folder, told)
        server.stop()
        server.start()
        append_event(folder, epoch(told, 2))
        projection.carry(folder, told)  # Its connection was cut off: it is tried before its use.
        server.stop()
        append_event(folder, epoch(told, 3))
        with pytest.raises(StoreAwayError):
            projection.carry(folder, told)
        lease.renew()
        server.start()
        projection.open()
        projection.carry(folder, told)
        lease.assure()
        assert first_free_number(config, read_runs(folder.parent)) == 1
    (trial,) = optuna_study(config).get_trials()
    assert sorted(trial.intermediate_values) == [1, 2, 3]


def test_a_database_that_starts_later_is_waited_for(path: Path, server: PostgreSQL) -> None:
    config = asked(path, server.database("trials"))
    server.stop()
    said: list[str] = []

    def start(text: str) -> None:
        said.append(text)
        threading.Thread(target=server.start).start()

    with study_held(config, start):
        assert first_free_number(config, [], start) == 0
    assert len(said) == 1 and "Ctrl-C stops" in said[0]


def test_two_roots_at_one_database_are_kept_apart_and_the_first_is_unharmed(
    path: Path, tmp_path: Path, server: PostgreSQL
) -> None:
    config = asked(path, server.database("trials"))
    write_finished(places(config).folder, make_job())
    other = config.store.model_copy(update={"root": tmp_path / "b"})
    second = config.model_copy(update={"store": other})
    with study_held(config, print) as lease:
        open_study(config, read_runs(places(config).folder))
        with (
            pytest.raises(InUseError, match=r"in the hands of process \d+ "),
            study_held(second, print),
        ):
            pass
        lease.assure()
        assert first_free_number(config, read_runs(places(config).folder)) == 1


def test_a_driver_killed_on_another_host_is_followed_when_its_lease_has_ended(
    path: Path, server: PostgreSQL
) -> None:
    url = server.database("trials")
    config = asked(path, url)
    engine_url, _ = engine_options(url)
    first = Holder(engine_url, "elsewhere", 20)
    assert first.said == "taken"
    first.end()
    said: list[str] = []
    tries = 0
    while True:
        tries += 1
        try:
            with study_held(config, said.append):
                break
        except InUseError as error:
            assert "on elsewhere" in str(error) and "until its lease ends" in str(error)
            time.sleep(0.5)
    assert tries > 1 and len(said) == 1 and "is taken over from process" in said[0]


def test_what_has_no_driver_here_is_told_by_the_command_in_one_line(
    path: Path, tmp_path: Path
) -> None:
    url = "postgresql://me:hush@127.0.0.1/trials"
    code = (
        "import sys; sys.modules['psycopg'] = sys.modules['psycopg2'] = None\n"
        "from study.cli import main\n"
        "sys.argv[1:] = ['run', sys.argv[1], '--set', sys.argv[2]]\n"
        "sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), f"store.optuna_url={url}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        env=ENVIRONMENT,
    )
    assert done.returncode == 2 and "make setup EXTRA=postgres" in done.stderr
    assert done.stderr.strip().count("\n") == 0 and "hush" not in done.stderr + done.stdout
