"""MLflow's store copied, moved, emptied or opened by two: told, or filled again, never mixed up."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from fake_trainer import FakeLauncher
from lease_holder import Holder
from mlflow_server import Server
from sick_servers import hung_server
from small_study import SEARCHED, places, run, run_ids, runs, tracked_runs, write_study

from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.data.manifest import load_manifest
from spineseg.errors import StoreError
from spineseg.tracking.carry import not_carried
from spineseg.tracking.store import TrackingStore, open_store
from study import compare
from study.compare import compare_study

pytestmark = pytest.mark.wide

ROOT = Path(__file__).parents[2]
NO_SEARCH = "search.trials=0"


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def store_of(config: StudyConfig) -> TrackingStore:
    return open_store(config.store.root, config.store.mlflow_uri)


def test_a_copied_root_is_told_and_nothing_is_put_into_the_original(
    path: Path, tmp_path: Path
) -> None:
    config = run(path, FakeLauncher(), NO_SEARCH)
    there = tmp_path / "copy"
    shutil.copytree(config.store.root, there)
    before = files_below(config.store.root)
    copied = load_study(path, [NO_SEARCH, f"store.root={there}"])
    with pytest.raises(StoreError, match=r"move its file away: it is filled again") as caught:
        compare_study(copied)
    assert "\n" not in str(caught.value)
    for folder in (config.store.root, there):
        assert str(folder.resolve() / "artifacts") in str(caught.value)
    assert files_below(config.store.root) == before
    (there / "mlflow.db").unlink()
    shutil.rmtree(there / "artifacts")
    again = compare_apart(path, f"store.root={there}")  # A process keeps its databases open.
    said = again.communicate(timeout=300)[0]
    assert again.returncode == 0, said
    assert files_below(config.store.root) == before
    assert len(list((there / "artifacts" / "small").rglob("weights/best.pt"))) == 3


@pytest.fixture(params=["own", pytest.param("server", marks=pytest.mark.wide)])
def kept(request: pytest.FixtureRequest, path: Path, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Where artifacts are kept, and the setting that says so: an own store's, or a server's."""
    if request.param == "own":
        yield load_study(path).store.root / "artifacts", "store.mlflow_uri=null"
        return
    server = Server(tmp_path)
    server.start()
    yield tmp_path / "served", f"store.mlflow_uri={server.uri}"
    server.kill()


def test_lost_artifacts_are_noticed_and_put_there_again(path: Path, kept: tuple[Path, str]) -> None:
    artifacts, address = kept
    fails = FakeLauncher(fails={"slow": "nan_loss"})
    config = run(path, fails, NO_SEARCH, address)
    compare_study(config)
    before, ids = files_below(artifacts), run_ids(config)
    shutil.rmtree(artifacts)
    missed = not_carried(store_of(config), "small", runs(config))
    assert [r.name for r in missed] == ["baseline", "no-flips", "slow"]
    compare_study(config)
    assert set(files_below(artifacts)) == set(before) and run_ids(config) == ids
    assert not_carried(store_of(config), "small", runs(config)) == []


def test_weights_that_are_gone_are_told_and_hold_no_comparison_up(
    path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(path, FakeLauncher(), NO_SEARCH)
    empty = load_study(path, [NO_SEARCH, f"store.mlflow_uri=sqlite:///{tmp_path / 'other.db'}"])
    lost = places(empty).folder / "001-no-flips" / "train" / "weights" / "best.pt"
    content = lost.read_bytes()
    lost.unlink()
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert compare_study(empty).page.is_file()
        assert "MLflow did not take 1 runs: no-flips" in caplog.text
        assert "best.pt is gone" in caplog.text
    missed = not_carried(store_of(empty), "small", runs(empty))
    assert [r.name for r in missed] == ["no-flips"]
    assert tracked_runs(empty)["small/1"].info.status == "FINISHED"
    lost.write_bytes(content)
    compare_study(empty)
    assert not_carried(store_of(empty), "small", runs(empty)) == []


def test_another_study_of_that_name_in_the_store_is_told_with_both_data(
    path: Path, tmp_path: Path, empty_stores: Path
) -> None:
    first = run(path, FakeLauncher(), NO_SEARCH)
    before = load_manifest(places(first).data_record)
    places(first).folder.rename(tmp_path / "put-away")
    other = write_study(tmp_path / "b", empty_stores, SEARCHED, {"train": 5, "valid": 2})
    fresh = f"store.optuna_url=sqlite:///{other.parent / 'mlruns' / 'optuna.db'}"
    idle = FakeLauncher()
    with pytest.raises(StoreError, match="has another study 'small', of the data") as caught:
        run(other, idle, NO_SEARCH, fresh, f"store.root={first.store.root}")
    now = load_manifest(places(first).data_record)
    assert f"{before.fingerprint[:12]}, not {now.fingerprint[:12]};" in str(caught.value)
    assert "\n" not in str(caught.value) and idle.started == []


def test_a_comparison_tells_of_a_server_that_hangs_in_a_line_and_waits_for_one_request(
    path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(path, FakeLauncher(), NO_SEARCH)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    other = f"store.optuna_url=sqlite:///{tmp_path / 'other.db'}"
    with hung_server() as uri, caplog.at_level(logging.WARNING):
        config = load_study(path, [NO_SEARCH, other, f"store.mlflow_uri={uri}"])
        assert compare_study(config).page.is_file()
    (told,) = [r.getMessage() for r in caplog.records if "tracking store" in r.getMessage()]
    assert "does not answer within 1 s" in told and "\n" not in told
    assert "the page is written; MLflow follows with the next command" in told
    assert (tmp_path / "other.db").is_file()  # Optuna's is brought up all the same.


def compare_apart(path: Path, *sets: str) -> subprocess.Popen[str]:
    words = [word for pair in (NO_SEARCH, *sets) for word in ("--set", pair)]
    return subprocess.Popen(
        [sys.executable, "-m", "study.cli", "compare", str(path), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
    )


@pytest.mark.wide
def test_two_comparisons_at_once_make_a_lost_store_once(path: Path, tmp_path: Path) -> None:
    run(path, FakeLauncher(), NO_SEARCH)
    address = f"store.mlflow_uri=sqlite:///{tmp_path / 'other.db'}"
    both = [compare_apart(path, address) for _ in range(2)]
    said = [one.communicate(timeout=300)[0] for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    config = load_study(path, [NO_SEARCH, address])
    assert not_carried(store_of(config), "small", runs(config)) == []


@pytest.mark.wide
def test_a_store_is_made_once_also_for_two_studies(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from spineseg.tracking.store import open_store\n"
        "open_store(Path(sys.argv[1]), None)"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    said = [one.communicate(timeout=300)[1] for one in both]
    assert [one.returncode for one in both] == [0, 0, 0], said


@pytest.mark.parametrize("held_seconds", [0.5, 60.0])
def test_a_comparison_waits_a_little_for_the_stores_then_leaves_them(
    path: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    held_seconds: float,
) -> None:
    run(path, FakeLauncher(), NO_SEARCH)
    other = tmp_path / "other.db"
    config = load_study(path, [NO_SEARCH, f"store.mlflow_uri=sqlite:///{other}"])
    monkeypatch.setattr(compare, "_WAIT_SECONDS", 5.0 if held_seconds < 1 else 0.3)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with places(config).lock():
            held.set()
            done.wait(held_seconds)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    with caplog.at_level(logging.WARNING):
        assert compare_study(config).page.is_file()
    done.set()
    holder.join()
    left = not other.exists()
    assert left == (held_seconds > 1)
    assert left == (f"in the hands of process {os.getpid()}" in caplog.text)


@pytest.mark.parametrize("why", ["locked", "leased"])
def test_optunas_database_that_is_not_to_be_had_keeps_mlflow_from_nothing(
    path: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    why: str,
) -> None:
    optunas = run(path, FakeLauncher(), NO_SEARCH).store.root / "optuna.db"
    monkeypatch.setattr(compare, "_OPTUNA_SECONDS", 0.5)
    config = load_study(path, [NO_SEARCH, f"store.mlflow_uri=sqlite:///{tmp_path / 'other.db'}"])
    words = {"locked": "database is locked", "leased": "in the hands of process"}[why]
    with ExitStack() as ends, caplog.at_level(logging.WARNING):
        if why == "leased":
            holder = Holder(f"sqlite:///{optunas}", "elsewhere")
            ends.callback(holder.end)
            assert holder.said == "taken"
        else:
            database = ends.enter_context(closing(sqlite3.connect(optunas)))
            database.execute("BEGIN EXCLUSIVE")
        assert compare_study(config).page.is_file()
    (told,) = [r.getMessage() for r in caplog.records if "MLflow is filled" in r.getMessage()]
    assert words in told and "\n" not in told
    assert not_carried(store_of(config), "small", runs(config)) == []
