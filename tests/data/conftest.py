"""Fixtures of the tests of data: a service that answers as Roboflow's does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from exports import write_export
from roboflow_server import KEY, Roboflow, zipped

from spineseg.data.roboflow import incoming, retrying


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return zipped(write_export(tmp_path_factory.mktemp("export") / "x", {"train": 6, "valid": 3}))


@pytest.fixture
def service(exported: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Roboflow]:
    from roboflow.config import refresh_region_urls

    service = Roboflow({"w/p/1": b"", "w/p/2": exported})
    monkeypatch.setenv("API_URL", service.url)
    monkeypatch.setenv("ROBOFLOW_API_KEY", KEY)
    monkeypatch.setattr(retrying, "RETRY_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(incoming, "TIMEOUT_SECONDS", (1.0, 1.0))
    refresh_region_urls()
    yield service
    service.close()
    monkeypatch.undo()
    refresh_region_urls()
