"""What tests of the tracking share: a real MLflow server for those that leave it running."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mlflow_server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server, started."""
    server = Server(tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    server.kill()
