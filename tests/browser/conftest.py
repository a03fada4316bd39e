"""A finished study and a running one, and the pages over them."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browsed_study import Browsed, finished_study, with_running
from browser import Opened, opened_browser
from command import ENVIRONMENT
from mlflow_server import free_port


@pytest.fixture(scope="session")
def browsed(tmp_path_factory: pytest.TempPathFactory, empty_stores: Path) -> Browsed:
    """A study of every kind of run, run to its end."""
    return finished_study(tmp_path_factory.mktemp("browsed") / "study", empty_stores)


@pytest.fixture(scope="session")
def going(
    browsed: Browsed, tmp_path_factory: pytest.TempPathFactory, empty_stores: Path
) -> Browsed:
    """The same study while one more of its trainings goes on."""
    return with_running(browsed, tmp_path_factory.mktemp("going"), empty_stores)


@pytest.fixture
def browser() -> Iterator[Opened]:
    """A browser that nobody used before."""
    with opened_browser() as opened:
        yield opened


@contextmanager
def served_pages(study: Browsed) -> Iterator[str]:
    """Run `spineseg ui` over a study; gives the address that it prints."""
    words = ["ui", str(study.path), "--set", f"store.root={study.config.store.root}"]
    command = [sys.executable, "-m", "study.cli", *words, "--port", str(free_port())]
    pages = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    try:
        assert pages.stdout is not None
        told = (line.strip() for line in pages.stdout)
        yield next(line for line in told if line.startswith("http"))
    finally:
        pages.send_signal(signal.SIGINT)
        assert pages.wait(30) == 0


@pytest.fixture(scope="session")
def finished_pages(browsed: Browsed) -> Iterator[str]:
    """The address of a finished study's list."""
    with served_pages(browsed) as address:
        yield address


@pytest.fixture(scope="session")
def going_pages(going: Browsed) -> Iterator[str]:
    """The address of a running study's list."""
    with served_pages(going) as address:
        yield address
