"""The ui command: an address before anything else, on this machine only."""

from __future__ import annotations

import socket
import subprocess
import webbrowser
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from mlflow_server import free_port
from old_server import refusing_server
from registry_cases import fresh_store

from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.errors import StoreError
from spineseg.tracking import pages, ui
from spineseg.tracking.store import TrackingStore, experiment_id

_DEFAULT = Path(__file__).parents[2] / "configs" / "studies" / "phantom.yaml"


@pytest.fixture(scope="module")
def config() -> StudyConfig:
    """The default study."""
    return load_study(_DEFAULT)


class _Experiment:
    """What a server knows of a study that has its views."""

    experiment_id, tags = "7", {"mlflow.sharedViewState.spineseg-leaderboard": "{}"}


def test_a_server_is_named_with_the_studys_list_and_without_its_password(
    tmp_path: Path, config: StudyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = "https://reader:hush@tracking.example:8443/mlflow/"
    client = MlflowClient(uri, uri)
    monkeypatch.setattr(client, "get_experiment_by_name", lambda name: _Experiment())
    said: list[str] = []
    ui.serve(TrackingStore(uri, tmp_path, client), config, port=1, say=said.append)
    assert said == [
        "the store is a server; its pages have the study: https://tracking.example:8443/mlflow/"
        "#/experiments/7/runs?viewStateShareKey=spineseg-leaderboard&workflowType=machine_learning"
    ]


def test_a_study_without_runs_leads_to_all_experiments(
    tmp_path: Path, empty_stores: Path, config: StudyConfig
) -> None:
    store = fresh_store(tmp_path / "mlruns", empty_stores)
    assert ui._place(store, config) == "#/experiments"
    experiment = experiment_id(store, config.name)  # Filled by a version that made no views.
    assert "viewStateShareKey=spineseg-leaderboard" in ui._place(store, config)
    assert (
        "mlflow.sharedViewState.spineseg-leaderboard"
        in store.client.get_experiment(experiment).tags
    )


def test_a_server_that_does_not_answer_is_one_line(tmp_path: Path, config: StudyConfig) -> None:
    with refusing_server("3.17.2") as uri, pytest.raises(StoreError) as caught:
        ui.serve(TrackingStore(uri, tmp_path, MlflowClient(uri, uri)), config, port=1)
    assert "\n" not in str(caught.value)


def test_no_browser_is_one_line_and_the_pages_go_on(
    tmp_path: Path, empty_stores: Path, config: StudyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = fresh_store(tmp_path / "mlruns", empty_stores)
    port = free_port()
    code = (
        "import http.server, sys\n"
        "class Answers(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self): self.send_response(200); self.end_headers()\n"
        f"http.server.HTTPServer(('127.0.0.1', {port}), Answers).handle_request()\n"
    )
    monkeypatch.setattr(
        ui,
        "_started",
        lambda *_: subprocess.Popen(
            [ui.sys.executable, "-c", code], start_new_session=True, stderr=subprocess.DEVNULL
        ),
    )
    monkeypatch.setattr(webbrowser, "open", lambda where: False)
    said: list[str] = []
    ui.serve(store, config, port=port, open_browser=True, say=said.append)
    assert "no browser could be opened here" in said[-1]
    assert f"http://127.0.0.1:{port}/#/experiments" in said[0]
    assert f"ssh -N -L {port}:127.0.0.1:{port}" in said[1]


def test_pages_that_do_not_come_up_are_one_line(
    tmp_path: Path, empty_stores: Path, config: StudyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = fresh_store(tmp_path / "mlruns", empty_stores)
    monkeypatch.setattr(
        ui, "_started", lambda *_: subprocess.Popen(["false"], start_new_session=True)
    )
    said: list[str] = []
    with pytest.raises(StoreError, match="MLflow's pages ended with code 1"):
        ui.serve(store, config, port=free_port(), say=said.append)
    assert said == []  # No address where nothing is.


def test_the_page_is_set_before_mlflows_own_program_runs() -> None:
    whole = pages.page("<html><head><script src='main.js'></script></head></html>", "#/here")
    assert whole.index("autoOpenedOnFirstLoad") < whole.index("main.js")
    assert 'location.replace("#/here")' in whole


def test_a_port_in_use_is_said_before_anything_starts(
    tmp_path: Path, empty_stores: Path, config: StudyConfig
) -> None:
    store = fresh_store(tmp_path / "mlruns", empty_stores)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StoreError, match=f"port {port} is in use; choose another"):
            ui.serve(store, config, port=port)
