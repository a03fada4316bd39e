"""Every key of a config, found and written out: for a terminal, for a program, for the docs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from spineseg.config.described import study_keys
from spineseg.config.key import Key
from spineseg.config.nearest import nearest, question, words
from spineseg.errors import ConfigError

_INTRODUCTION = Path(__file__).with_name("reference.md")
_HERE = "KEYS"
"""The line of the introduction that the tables stand for."""


def keys_asked_for(wanted: str) -> list[Key]:
    """Return the keys at or under a path, or else those that speak of every word of `wanted`.

    All keys for an empty text. Raises ConfigError, with the nearest keys, where there is none.
    """
    path, asked = wanted.strip().strip("."), words(wanted)
    found = (
        [key for key in study_keys() if key.under(path)]
        or [key for key in study_keys() if key.path.startswith(path)]
        or [key for key in study_keys() if asked and asked <= _words(key)]
    )
    if not found:
        near = question(key.path for key in nearest(path.rpartition(".")[2], study_keys()))
        hint = f"{near} " if near else ""
        raise ConfigError(f"no key is or speaks of {wanted!r}; {hint}`spineseg keys` lists all")
    return found


def _words(key: Key) -> set[str]:
    return words(f"{key.path} {key.meaning} {key.allowed} {key.unit} {key.only_with}")


def as_text(keys: list[Key]) -> str:
    """Return keys for a terminal: path, default and rule in one line, the meaning under it."""
    return "\n".join(line for key in keys for line in _lines(key))


def _lines(key: Key) -> Iterator[str]:
    default = "must be given" if key.required else f"default {written_default(key)}"
    facts = [default, rule(key), key.only_with and f"only with {key.only_with}"]
    yield f"{key.path}   {'; '.join(filter(None, facts))}"
    yield f"    {key.meaning}"


def written_default(key: Key) -> str:
    """Return a default as YAML writes it, with its unit; empty where the key must be given."""
    if key.required:
        return ""
    if key.table and key.default == {}:
        return "as its keys"
    if key.default is None and not key.type.endswith("or null"):
        return "none"
    if key.default == "":
        return "empty"
    written = yaml.safe_dump(key.default, default_flow_style=True, width=1000)
    value = written.removesuffix("\n").removesuffix("\n...")
    return f"{value} {key.unit}".strip() if key.default is not None else value


def rule(key: Key) -> str:
    """Return a key's type and what it may be, in words."""
    joint = " " if "one of" in key.type else ", "
    unit = f" ({key.unit})" if key.unit and (key.required or key.default is None) else ""
    return f"{key.type}{joint if key.allowed else ''}{key.allowed}{unit}"


def as_json(keys: list[Key]) -> str:
    """Return keys as a JSON list of objects."""
    return json.dumps([_plain(key) for key in keys], indent=1)


def _plain(key: Key) -> dict[str, Any]:
    return {name: value for name, value in asdict(key).items() if name != "table"}


def as_markdown() -> str:
    """Return docs/configuration.md: the introduction, and a table for each table of keys."""
    introduction = _INTRODUCTION.read_text(encoding="utf-8")
    return introduction.replace(f"{_HERE}\n", "\n".join(_tables()))


def _tables() -> Iterator[str]:
    holders = dict.fromkeys(_above(key.path) for key in study_keys())
    titles = {key.path: key.meaning for key in study_keys()}
    for holder in holders:
        yield f"### {f'`{holder}`' if holder else 'The study'}\n"
        if meaning := titles.get(holder, titles.get(_above(holder), "")):
            yield f"{meaning}\n"
        yield "| key | default | what it may be | meaning |\n|---|---|---|---|"
        yield from (_row(key) for key in study_keys() if _above(key.path) == holder)
        yield ""


def _above(path: str) -> str:
    """Return the path of the table that a key, or a table of a list, lies in."""
    return path.rpartition(".")[0]


def _row(key: Key) -> str:
    default = "**must be given**" if key.required else written_default(key)
    meaning = f"{key.meaning} *Only with {key.only_with}.*" if key.only_with else key.meaning
    cells = [f"`{key.path.rpartition('.')[2]}`", default, rule(key), meaning]
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
