"""Fixtures: small exports, a small phantom, and a fake trainer that drives the study's tests."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("YOLO_OFFLINE", "true")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # Two processes test side by side on two cores.

import pytest
from exports import write_export

if TYPE_CHECKING:
    from spineseg.data.audit import Audit

os.environ["PATH"] = f"{sys.prefix}/bin:{os.environ['PATH']}"  # As an activated shell has it.
# Each worker would rewrite the asserts of every test file anew, and each child compile our modules.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
gc.disable()  # While tests are collected little becomes garbage.
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


def pytest_collection_finish() -> None:
    """Leave what was imported and collected by now, a million objects, out of each collection."""
    gc.freeze()
    gc.enable()


def _once_for_each(drawn: Callable[[Audit], Any]) -> Callable[[Audit], Any]:
    known: dict[str, Any] = {}

    def once(audit: Audit) -> Any:
        asked = audit.model_dump_json(include={"parts", "sources"})  # All that figures are made of.
        if asked not in known:
            known[asked] = drawn(audit)
        return known[asked]

    return once


@pytest.fixture(scope="session", autouse=True)
def equal_work_once() -> Iterator[None]:
    """Do once a process what is the same for every study that the tests drive.

    The figures of an audit are the same for the same audit, and most studies here have the same
    films; Optuna's newest table version is a constant of the installed package. Both took half of
    what a study without trainings takes.
    """
    if "small_study" not in sys.modules:
        yield
        return
    from optuna.storages._rdb.storage import _VersionManager

    from spineseg.report import audit_plots

    with pytest.MonkeyPatch.context() as patch:
        for name in ("balance", "sizes", "brightness"):
            patch.setattr(audit_plots, name, _once_for_each(getattr(audit_plots, name)))
        newest: list[str] = []
        asked = _VersionManager.get_head_version

        def known(manager: _VersionManager) -> str:
            if not newest:
                newest.append(asked(manager))
            return newest[0]

        patch.setattr(_VersionManager, "get_head_version", known)
        yield


@pytest.fixture(autouse=True)
def own_import_path() -> Iterator[None]:
    """Have a test's import path go with it: a model of MLflow puts its own code first.

    A process that is spawned later would import that, of which much is left out.
    """
    before = list(sys.path)
    yield
    sys.path[:] = before


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
