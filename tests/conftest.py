"""Fixtures: small exports, a small phantom, and a fake trainer that drives the study's tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("YOLO_OFFLINE", "true")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # Two processes test side by side on two cores.

import pytest
from exports import write_export

os.environ["PATH"] = f"{sys.prefix}/bin:{os.environ['PATH']}"  # As an activated shell has it.
for _name in ("MAKELEVEL", "SPINESEG_SET"):  # `make test` advises nobody, and overrides nothing.
    os.environ.pop(_name, None)

LONGEST = (
    "test_end_to_end",
    "test_served",
    "test_promotion",
    "test_rebuild",
    "test_study",
    "test_training",
    "test_sealed_part",
    "test_kept_to",
    "test_stores",
    "test_cli_inference",
    "test_cli",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files: two processes share them out, and neither waits at the end."""
    items.sort(key=lambda item: LONGEST.index(n) if (n := item.path.stem) in LONGEST else 99)


@pytest.fixture(scope="session", autouse=True)
def private_ultralytics(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep Ultralytics' settings of the user out of the tests."""
    from spineseg.process_setup import prepare_environment

    prepare_environment(tmp_path_factory.mktemp("ultralytics"))


@pytest.fixture(scope="session")
def empty_stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both stores, made once: their migrations take seconds."""
    import optuna

    from spineseg.tracking.store import open_store

    root = tmp_path_factory.mktemp("stores")
    open_store(root, None)
    optuna.storages.RDBStorage(f"sqlite:///{root / 'optuna.db'}")
    return root


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export with 6 training and 3 validation images of C1..C7."""
    return write_export(tmp_path / "export", {"train": 6, "valid": 3})
