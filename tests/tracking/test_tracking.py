"""MLflow's own store and server: replay, outage, registry, pages."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow_server import Server, free_port

from spineseg.errors import StoreError
from spineseg.events import Epoch, Failed, Finished, Started, append_event
from spineseg.tracking.projection import RunProjection
from spineseg.tracking.store import TrackingStore, open_store
from spineseg.tracking.tracked_runs import log_dataset, open_study_run, open_trial_run
from spineseg.tracking.ui import serve

_NO_TELEMETRY = "MLFLOW_DISABLE_TELEMETRY"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> TrackingStore:
    return open_store(tmp_path_factory.mktemp("mlruns"), None)


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


def trial_run(store: TrackingStore, name: str) -> str:
    parent = open_study_run(store, "study-a", tags={"synthetic": "true"}, params={"variants": 1})
    return open_trial_run(
        store,
        parent,
        name=name,
        key=f"study-a/{name}",
        params={"lr0": 0.01},
        tags={"changes": "{}", "synthetic": "true", "hypothesis": "Why not."},
    )


def write_run(folder: Path, epochs: int = 3, end: str | None = "completed") -> None:
    weights = folder / "train" / "weights"
    weights.mkdir(parents=True)
    for name in ("best.pt", "last.pt"):
        (weights / name).write_bytes(b"weights")
    (folder / "train" / "results.csv").write_text("epoch\n")
    (folder / "train" / "BoxPR_curve.png").write_bytes(b"png")
    (folder / "evaluation-argmax.json").write_text("{}")
    append_event(
        folder,
        Started(
            pid=1,
            device="CPU",
            parameters=5,
            resolved={"imgsz": 64},
            environment={"python": "3.11"},
        ),
    )
    for number in range(1, epochs + 1):
        append_event(
            folder,
            Epoch(
                epoch=number,
                metrics={"val/mask_map50": number / 10},
                system={"system/cpu_utilization_percentage": 50.0},
                epoch_seconds=1.0,
                validation_seconds=0.2,
            ),
        )
    if end == "failed":
        append_event(folder, Failed(kind="nan_loss", message="no number", traceback="Traceback"))
    elif end:
        append_event(
            folder,
            Finished(
                outcome=end,
                epochs=epochs,
                best_epoch=2,
                batch=8,
                optimizer="AdamW",
                trainer_metrics={"trainer/mask_map50": 0.3},
                metrics={"best/mask_map50": 0.31},
                train_seconds=3.0,
                best_weights="train/weights/best.pt",
                last_weights="train/weights/last.pt",
            ),
        )


def history(store: TrackingStore, run: str, key: str) -> list[tuple[int, float]]:
    return [(m.step, m.value) for m in store.client.get_metric_history(run, key)]


def test_a_whole_run_is_carried_over(store: TrackingStore, tmp_path: Path) -> None:
    write_run(tmp_path)
    run = trial_run(store, "whole")
    assert RunProjection(store, lambda: run, tmp_path).sync()
    found = store.client.get_run(run)
    assert found.info.status == "FINISHED"
    assert found.data.tags["outcome"] == "completed" and found.data.tags["best_epoch"] == "2"
    assert found.data.params["resolved/imgsz"] == "64"
    assert found.data.metrics["best/mask_map50"] == 0.31
    assert history(store, run, "val/mask_map50") == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert len(history(store, run, "system/cpu_utilization_percentage")) == 3
    for folder, names in {
        "weights": {"best.pt", "last.pt"},
        "pictures": {"BoxPR_curve.png"},
        "evaluation": {"evaluation-argmax.json"},
    }.items():
        assert {Path(f.path).name for f in store.client.list_artifacts(run, folder)} == names


def test_replaying_a_log_adds_nothing(store: TrackingStore, tmp_path: Path) -> None:
    write_run(tmp_path)
    run = trial_run(store, "replayed")
    for _ in range(3):
        assert RunProjection(store, lambda: run, tmp_path).sync()
    assert len(history(store, run, "val/mask_map50")) == 3
    assert store.client.get_run(run).info.status == "FINISHED"


def test_a_resumed_attempt_with_other_settings_does_not_break_the_run(
    store: TrackingStore, tmp_path: Path
) -> None:
    write_run(tmp_path, end=None)
    run = trial_run(store, "resumed")
    projection = RunProjection(store, lambda: run, tmp_path)
    assert projection.sync()
    append_event(
        tmp_path,
        Started(
            pid=2,
            device="GPU",
            parameters=5,
            resolved={"imgsz": 96},
            resumed_from_epoch=3,
            environment={},
        ),
    )
    assert projection.sync()
    data = store.client.get_run(run).data
    assert data.params["resolved/imgsz"] == "64" and data.tags["resumed_from_epoch"] == "3"


@pytest.mark.parametrize(
    ("end", "status", "outcome"),
    [("pruned", "KILLED", "pruned"), ("failed", "FAILED", "failed")],
)
def test_a_run_ends_with_the_logs_own_word(
    store: TrackingStore, tmp_path: Path, end: str, status: str, outcome: str
) -> None:
    write_run(tmp_path, end=end)
    run = trial_run(store, end)
    RunProjection(store, lambda: run, tmp_path).sync()
    found = store.client.get_run(run)
    assert (found.info.status, found.data.tags["outcome"]) == (status, outcome)


def test_a_run_is_found_again_and_never_made_twice(store: TrackingStore) -> None:
    assert trial_run(store, "twice") == trial_run(store, "twice")
    note = store.client.get_run(trial_run(store, "twice")).data.tags["mlflow.note.content"]
    assert "Synthetic" in note and "Why not." in note


def test_the_data_stand_in_mlflows_own_place_for_them(store: TrackingStore) -> None:
    run = trial_run(store, "data")
    for _ in range(2):
        log_dataset(store, run, name="a+b", fingerprint="f" * 64, source="here", profile="{}")
    (entry,) = store.client.get_run(run).inputs.dataset_inputs
    assert (entry.dataset.name, entry.dataset.digest) == ("a+b", "f" * 12)


def test_a_store_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"store\.root") as caught:
        open_store(tmp_path / "file", None)
    assert "\n" not in str(caught.value)


def test_a_refused_connection_costs_seconds_and_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="tracking store http"):
        open_store(tmp_path, f"http://127.0.0.1:{free_port()}")


def test_a_port_in_use_is_said_before_anything_starts(store: TrackingStore) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StoreError, match=f"port {port} is in use; choose another"):
            serve(store, port=port)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.mark.wide
def test_an_outage_holds_nothing_up_and_is_made_good_afterwards(
    server: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    write_run(folder, epochs=1, end=None)
    store = open_store(tmp_path / "mlruns", server.uri)
    run = trial_run(store, "outage")
    projection = RunProjection(store, lambda: run, folder)
    assert projection.sync()
    server.kill()
    append_event(
        folder,
        Epoch(epoch=2, metrics={"val/mask_map50": 0.2}, epoch_seconds=1.0, validation_seconds=0.2),
    )
    assert not projection.sync()
    start = time.monotonic()
    assert not any(projection.sync() for _ in range(50))
    assert time.monotonic() - start < 5  # It backs off instead of trying each time.
    server.start()
    assert projection.sync(force=True)
    assert history(store, run, "val/mask_map50") == [(1, 0.1), (2, 0.2)]


@pytest.mark.wide
def test_the_pages_open_and_show_the_study(store: TrackingStore, tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    RunProjection(store, lambda: trial_run(store, "shown"), tmp_path / "run").sync()
    port = free_port()
    code = (
        "import sys; from pathlib import Path\n"
        "from spineseg.tracking.store import open_store\n"
        "from spineseg.tracking.ui import serve\n"
        "serve(open_store(Path(sys.argv[1]), None), port=int(sys.argv[2]))"
    )
    page = subprocess.Popen(
        [sys.executable, "-c", code, str(store.root), str(port)], stdout=subprocess.PIPE
    )
    try:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1):
                    break
            except OSError:
                time.sleep(0.1)
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/ajax-api/2.0/mlflow/experiments/search",
            data=json.dumps({"max_results": 10}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            names = {e["name"] for e in json.load(answer)["experiments"]}
        assert "study-a" in names
        browser = shutil.which("chromium") or shutil.which("google-chrome")
        assert browser, "the wide tests need chromium"
        shown = subprocess.run(
            [
                browser,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                f"--user-data-dir={tmp_path / 'browser'}",
                "--virtual-time-budget=20000",
                "--dump-dom",
                f"http://127.0.0.1:{port}/#/experiments",
            ],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "study-a" in shown.stdout
    finally:
        page.send_signal(signal.SIGINT)
        assert page.wait(30) == 0
