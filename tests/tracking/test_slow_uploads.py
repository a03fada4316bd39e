"""Files that are long on their way to an MLflow server: they arrive, and meanwhile nobody errs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from mlflow_server import Server
from sick_servers import LateServer, late_server

from spineseg.errors import StoreError
from spineseg.tracking.file_transfer import telling_of_progress
from spineseg.tracking.store import TrackingStore, experiment_id, open_store, refusing

pytestmark = pytest.mark.wide
BYTES = 3 * 2**20
LIMIT_SECONDS = 2


@pytest.fixture
def late(server: Server, monkeypatch: pytest.MonkeyPatch) -> LateServer:
    """A way to a real server; a request of words has two seconds."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", str(LIMIT_SECONDS))
    return LateServer(server.port)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    file = tmp_path / "best.pt"
    file.write_bytes(os.urandom(BYTES))
    return file


def put(store: TrackingStore, file: Path) -> str:
    run = store.client.create_run(experiment_id(store, "small")).info.run_id
    with refusing(store.uri):
        store.client.log_artifact(run, str(file), "weights")
    return str(run)


def fetched(store: TrackingStore, run: str, to: Path) -> bytes:
    to.mkdir()
    return Path(store.client.download_artifacts(run, "weights/best.pt", str(to))).read_bytes()


def test_a_proxy_that_passes_files_on_late_has_them_whole_and_gives_them(
    tmp_path: Path, late: LateServer, weights: Path
) -> None:
    late.held = {"weights/best.pt": [3.0 * LIMIT_SECONDS]}
    with late_server(late) as uri:
        store = open_store(tmp_path / "mlruns", uri)
        run = put(store, weights)
        late.later = {"weights/best.pt": [3.0 * LIMIT_SECONDS]}
        assert fetched(store, run, tmp_path / "again") == weights.read_bytes()
        assert late.later == {"weights/best.pt": []}, "it was late"


def test_a_slow_line_carries_a_file_and_each_piece_is_told_of(
    tmp_path: Path, late: LateServer, weights: Path
) -> None:
    late.bytes_per_second = BYTES / (4.0 * LIMIT_SECONDS)
    pieces: list[int] = []
    with late_server(late) as uri, telling_of_progress(lambda: pieces.append(1)):
        store = open_store(tmp_path / "mlruns", uri)
        assert pieces == []
        run = put(store, weights)
        assert len(pieces) > 20
        assert fetched(store, run, tmp_path / "again") == weights.read_bytes()


def test_a_server_that_takes_a_file_and_hangs_is_given_up_by_the_files_size(
    tmp_path: Path, late: LateServer, weights: Path
) -> None:
    weights.write_bytes(weights.read_bytes()[:100_000])  # A second more, on a slow line.
    late.held = {"weights/best.pt": [30.0]}
    with late_server(late) as uri:
        store = open_store(tmp_path / "mlruns", uri)
        with pytest.raises(StoreError, match=f"does not answer within {LIMIT_SECONDS + 1} s"):
            put(store, weights)
