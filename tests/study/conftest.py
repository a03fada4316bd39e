"""Studies that the tests of the driver share."""

from __future__ import annotations

from pathlib import Path

import pytest
from sealed_looks import Looks, let_look
from small_study import Ended, confirmed_study, run_scored, searched_study


@pytest.fixture
def path(tmp_path: Path, empty_stores: Path) -> Path:
    """A study with variants and a search, not run yet."""
    return searched_study(tmp_path, empty_stores)


@pytest.fixture
def confirmable(tmp_path: Path, empty_stores: Path) -> Path:
    """A study with fresh seeds and a test part, not run yet."""
    return confirmed_study(tmp_path, empty_stores)


@pytest.fixture(scope="session")
def ended(tmp_path_factory: pytest.TempPathFactory, empty_stores: Path) -> Ended:
    """A study with fresh seeds run to its end, for tests that only read it or are refused."""
    path = confirmed_study(tmp_path_factory.mktemp("ended") / "study", empty_stores)
    return Ended(path, *run_scored(path))


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    """Let the test part be scored without a network; the runs that were scored on it."""
    return let_look(monkeypatch)
