"""Fixtures of `spineseg init`: a working folder of one's own, and the command within it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from study.cli import cli

Init = Callable[..., str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def init(capsys: pytest.CaptureFixture[str]) -> Init:
    """Run the command without timing and return what it prints."""

    def run(*words: str | Path) -> str:
        cli.main(["init", "--no-timing", *map(str, words)], standalone_mode=False)
        return capsys.readouterr().out

    return run


@pytest.fixture
def answer(init: Init) -> Callable[..., dict]:
    """Run the command without timing and return its JSON."""
    return lambda *words: json.loads(init(*words, "--json"))
