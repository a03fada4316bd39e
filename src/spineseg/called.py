"""How the command line was called, so that what it advises can be pasted, and goes on record."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from spineseg.errors import ConfigError

SETS_VARIABLE = "SPINESEG_SET"
"""Overrides in the environment: how `make` hands its SET over."""
_MAKES = {"--set": "SET", "--run": "RUN", "--config": "STUDY"}
_WORDS = {"predict": "IMAGES", "retry": "RUN"}
_TARGETS = {"run": "study"}
_ENTRIES = ("spineseg", "cli", "__main__")


def program() -> str:
    """Return how `spineseg` is called here: by its bare name where the shell finds it."""
    beside = Path(".venv/bin/spineseg")
    if shutil.which("spineseg") is None and beside.exists():
        return str(beside)
    return "spineseg"


def by_make() -> bool:
    """Return whether `make` calls, so that advice is best given in its words."""
    return bool(os.environ.get("MAKELEVEL")) and Path("Makefile").exists()


def split_overrides(text: str) -> list[str]:
    """Return the overrides in a text, "a=1 b='My Films'", apart: quotes count, backslashes do not.

    A regular expression keeps its own. Raises ConfigError for a quote that is not closed.
    """
    words = shlex.shlex(text, posix=True)
    vars(words).update(whitespace_split=True, commenters="", escape="")
    try:
        return list(words)
    except ValueError:
        raise ConfigError(
            f"SET {text}: a quote in it is not closed; write a value with spaces as KEY='A B', one "
            'with a quote in it as KEY="A\'B"'
        ) from None


def command_line() -> str:
    """Return this process's command line as it can be pasted; empty where it is not ours."""
    if Path(sys.argv[0]).stem not in _ENTRIES:
        return ""
    words = sys.argv[1:]
    if not any(word == "--set" or word.startswith("--set=") for word in words):
        words += [
            word
            for text in split_overrides(os.environ.get(SETS_VARIABLE, ""))
            for word in ("--set", text)
        ]
    return shlex.join(["spineseg", *words])


def pasted(command: str) -> str:
    """Return a command, as "promote NAME --set KEY=VALUE", as whoever calls here pastes it.

    In the words of `make` where that called, and has words for it.
    """
    verb, *words = shlex.split(command)
    told = _for_make(verb, words) if by_make() else None
    return f"{program()} {command}" if told is None else f"make {_TARGETS.get(verb, verb)}{told}"


def _for_make(verb: str, words: Sequence[str]) -> str | None:
    """Return a command's words as variables of the Makefile; None where it has none for them."""
    variables: dict[str, list[str]] = {}
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if not word.startswith("-"):
            variables.setdefault(_WORDS.get(verb, "STUDY"), []).append(word)
        elif word in _MAKES and waiting:
            variables.setdefault(_MAKES[word], []).append(waiting.pop(0))
        else:
            return None
    texts = {
        name: " ".join(map(_pair, values) if name == "SET" else values)
        for name, values in variables.items()
    }
    return "".join(f" {name}={_quoted(text)}" for name, text in texts.items()).replace("$", "$$")


def _pair(override: str) -> str:
    """Return an override as one word of SET: quotes around its value, where it needs some."""
    key, equals, value = override.partition("=")
    if shlex.quote(value) == value or "'" in value:
        return shlex.quote(override) if "'" in value else override
    return f"{key}{equals}'{value}'"


def _quoted(text: str) -> str:
    """Return a text for a shell, in double quotes where single ones in it would look odd."""
    plain = "'" in text and not set(text) & set('"$`\\!')
    return f'"{text}"' if plain else shlex.quote(text)
