"""Advice that can be pasted: by its bare name, by its place, or in the words of `make`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from spineseg.called import command_line, pasted, program, split_overrides
from spineseg.errors import ConfigError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and a PATH on which nothing is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    return tmp_path


def executable(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)


def test_the_program_is_named_as_a_shell_here_finds_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert program() == "spineseg"
    executable(here / ".venv" / "bin" / "spineseg")
    assert program() == ".venv/bin/spineseg"
    assert pasted("ui phantom") == ".venv/bin/spineseg ui phantom"
    monkeypatch.setenv("PATH", str(here / ".venv" / "bin"))
    assert program() == "spineseg"


@pytest.mark.parametrize(
    ("command", "by_make"),
    [
        ("promote phantom", "make promote STUDY=phantom"),
        ("run phantom --set search.trials=12", "make study STUDY=phantom SET=search.trials=12"),
        (
            "ui small --set 'store.root=a b' --set search.trials=1",
            "make ui STUDY=small SET=\"store.root='a b' search.trials=1\"",
        ),
        ("predict FILM.jpg --run a/b", "make predict IMAGES=FILM.jpg RUN=a/b"),
        ("history --config small", "make history STUDY=small"),
        (
            "retry small/slow --set store.root=a",
            "make retry RUN=small/slow SET=store.root=a",
        ),
        ("retry --all small", "spineseg retry --all small"),
        ("predict FILM.jpg --weights bundled", "spineseg predict FILM.jpg --weights bundled"),
    ],
)
def test_who_called_by_make_is_answered_in_its_words(
    here: Path, monkeypatch: pytest.MonkeyPatch, command: str, by_make: str
) -> None:
    monkeypatch.setenv("MAKELEVEL", "1")
    assert pasted(command) == f"spineseg {command}"  # There is no Makefile here.
    (here / "Makefile").touch()
    assert pasted(command) == by_make


@pytest.mark.parametrize(
    "sets", [["store.root=a b"], ["description=Bob's films", r"data.patient_pattern=-(\d+)-"]]
)
def test_overrides_come_through_make_as_they_were(
    here: Path, monkeypatch: pytest.MonkeyPatch, sets: list[str]
) -> None:
    (here / "Makefile").touch()
    monkeypatch.setenv("MAKELEVEL", "1")
    options = [word for text in sets for word in ("--set", text)]
    words = shlex.split(pasted(shlex.join(["compare", "small", *options])))
    assert words[:3] == ["make", "compare", "STUDY=small"]
    assert split_overrides(words[3].removeprefix("SET=")) == sets


def test_overrides_in_one_text_keep_backslashes_and_need_their_quotes() -> None:
    text = r"""data.sources.0.path='My Films' name=x data.patient_pattern=-(\d+)-# a="it's" """
    apart = ["data.sources.0.path=My Films", "name=x", r"data.patient_pattern=-(\d+)-#", "a=it's"]
    assert split_overrides(text) == apart
    with pytest.raises(ConfigError, match=r"a quote in it is not closed; write .* KEY='A B'"):
        split_overrides("description=Bob's films")


def test_a_command_line_is_kept_with_the_overrides_around_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["/x/.venv/bin/spineseg", "run", "a b.yaml"])
    assert command_line() == "spineseg run 'a b.yaml'"
    monkeypatch.setenv("SPINESEG_SET", "name=x")
    assert command_line() == "spineseg run 'a b.yaml' --set name=x"
    monkeypatch.setattr(sys, "argv", ["/x/spineseg", "run", "--set", "name=y"])
    assert command_line() == "spineseg run --set name=y"
    monkeypatch.setattr(sys, "argv", ["/usr/bin/pytest", "tests"])
    assert command_line() == ""
