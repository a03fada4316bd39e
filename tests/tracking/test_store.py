"""Opening a store: nothing sent home, no password told, one line where it cannot be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command import ENVIRONMENT
from mlflow_server import free_port

from spineseg.errors import StoreError
from spineseg.tracking.store import open_existing_store, open_store

_NO_TELEMETRY = "MLFLOW_DISABLE_TELEMETRY"


def test_nothing_is_sent_home_however_mlflow_is_reached() -> None:
    environment = {k: v for k, v in os.environ.items() if k not in {"DO_NOT_TRACK", _NO_TELEMETRY}}
    code = (
        "import study.driver; from mlflow.telemetry import client; "
        "print(client.get_telemetry_client())"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "None"


def test_a_servers_password_is_in_no_error(tmp_path: Path) -> None:
    uri = f"http://reader:hush@127.0.0.1:{free_port()}"
    with pytest.raises(StoreError) as caught:
        open_store(tmp_path, uri)
    assert "hush" not in str(caught.value) and "127.0.0.1" in str(caught.value)


def test_a_store_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"store\.root") as caught:
        open_store(tmp_path / "file", None)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kilobytes", [50, 500])
def test_a_store_whose_making_was_killed_is_made_anew(tmp_path: Path, kilobytes: int) -> None:
    code = (
        "import sys; from pathlib import Path; from spineseg.tracking.store import open_store; "
        "open_store(Path(sys.argv[1]), None)"
    )
    making = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], env=ENVIRONMENT)
    while _size(tmp_path / ".mlflow.db.new") < 1000 * kilobytes:
        assert making.poll() is None
    making.kill()
    making.wait()
    assert not (tmp_path / "mlflow.db").exists()
    assert open_store(tmp_path, None).client.search_experiments() == []
    assert {path.name for path in tmp_path.iterdir()} == {
        "artifacts",
        "mlflow.db",
        "mlflow.db.lock",
    }


def test_what_stands_behind_a_databases_file_is_no_part_of_its_name(tmp_path: Path) -> None:
    open_store(tmp_path, f"sqlite:///{tmp_path / 'their.db'}?timeout=30")
    assert {path.name for path in tmp_path.iterdir()} == {"their.db", "their.db.lock"}
    again = open_existing_store(tmp_path, f"sqlite:///{tmp_path / 'their.db'}?timeout=30")
    assert [each.name for each in again.client.search_experiments()] == ["Default"]


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


@pytest.mark.parametrize("made_by", ["optuna", "nobody"])
def test_a_file_of_another_program_is_one_line(
    tmp_path: Path, empty_stores: Path, made_by: str
) -> None:
    (tmp_path / "mlflow.db").write_text("no database" * 1000)
    if made_by == "optuna":
        shutil.copy(empty_stores / "optuna.db", tmp_path / "mlflow.db")
    with pytest.raises(StoreError, match="move it away: it is filled again from") as caught:
        open_store(tmp_path, None)
    assert "\n" not in str(caught.value)


def test_a_database_without_its_driver_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"No module named .*install that .* driver") as caught:
        open_store(tmp_path, "postgresql+pg8000://me:hush@127.0.0.1/none")
    assert "\n" not in str(caught.value) and "hush" not in str(caught.value)


@pytest.mark.parametrize("kind", ["empty", "no database", "optuna"])
def test_reading_makes_no_store_of_a_file_that_is_none(
    tmp_path: Path, empty_stores: Path, kind: str
) -> None:
    file = tmp_path / "mlflow.db"
    file.write_text("" if kind == "empty" else "no database" * 1000)
    if kind == "optuna":
        shutil.copy(empty_stores / "optuna.db", file)
    before = file.read_bytes()
    for address in (None, f"sqlite:///{file}"):
        with pytest.raises(StoreError, match="there is no tracking store; name a folder"):
            open_existing_store(tmp_path, address)
    assert file.read_bytes() == before and list(tmp_path.iterdir()) == [file]


def test_reading_a_store_makes_nothing_beside_it(tmp_path: Path, empty_stores: Path) -> None:
    shutil.copy(empty_stores / "mlflow.db", tmp_path)
    assert open_existing_store(tmp_path, None).client.get_experiment("0").name == "Default"
    assert list(tmp_path.iterdir()) == [tmp_path / "mlflow.db"]


def test_the_empty_experiment_that_comes_with_a_store_is_not_shown(
    tmp_path: Path, empty_stores: Path
) -> None:
    shutil.copy(empty_stores / "mlflow.db", tmp_path)
    store = open_store(tmp_path, None)
    assert store.client.search_experiments() == []
    store.client.restore_experiment("0")
    assert open_store(tmp_path, store.uri).client.search_experiments()  # Named: somebody's own.
    store.client.create_run("0")
    assert open_store(tmp_path, None).client.search_experiments()  # Somebody keeps a run there.


def test_a_refused_connection_costs_seconds_and_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="tracking store http"):
        open_store(tmp_path, f"http://127.0.0.1:{free_port()}")
