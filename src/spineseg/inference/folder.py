"""The folder that predictions are written to: a new one, or one that the same call goes on with."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spineseg.errors import ConfigError
from spineseg.files import shown, write_whole
from spineseg.inference.given import MEASURES_FILE, PREDICTIONS_FILE

_FORMAT = 1


@dataclass(frozen=True)
class Kind:
    """What a folder of answers holds, in a word that is also its name, and what marks it."""

    word: str
    record: str


PREDICTIONS = Kind("predictions", PREDICTIONS_FILE)
MEASURES = Kind("measures", MEASURES_FILE)


def folder_for(
    wanted: Path | None,
    made_by: Mapping[str, Any],
    films: Mapping[str, str],
    kind: Kind = PREDICTIONS,
) -> Path:
    """Return where answers go, so that nothing is mixed: `wanted`, or the first that is free.

    A folder is free where it is empty, or holds answers made in just this way (`made_by`) of no
    films but these (their files' name -> film): then they are gone on with. Without `wanted`,
    `predictions`, `predictions-2` and so on are looked at. Raises ConfigError where `wanted` is not
    free.
    """
    if wanted is not None:
        taken = _taken(wanted, made_by, films, kind)
        if taken is not None:
            raise ConfigError(f"--out {shown(wanted)}: {taken}; name another folder")
        return wanted
    numbered = (Path(f"{kind.word}-{number}") for number in itertools.count(2))
    return next(
        folder
        for folder in itertools.chain([Path(kind.word)], numbered)
        if _taken(folder, made_by, films, kind) is None
    )


def refuse_other_content(wanted: Path | None, kind: Kind = PREDICTIONS) -> None:
    """Raise ConfigError for a folder that can take no answers, whatever films these are of."""
    if wanted is not None and (taken := _other_content(wanted, kind)) is not None:
        raise ConfigError(f"--out {shown(wanted)}: {taken}; name another folder")


def write_record(
    folder: Path,
    made_by: Mapping[str, Any],
    films: Mapping[str, str],
    more: Mapping[str, Any],
    kind: Kind = PREDICTIONS,
) -> None:
    """Write what marks a folder of answers: how they were made, of which films, and `more`."""
    content = {"format": _FORMAT, "made_by": made_by, **more, "films": films}
    write_whole(folder / kind.record, json.dumps(content, indent=1))


def _other_content(folder: Path, kind: Kind) -> str | None:
    """Return what else than such answers lies in a folder's place; None where nothing does."""
    if not folder.exists() or (folder / kind.record).is_file():
        return None
    if not folder.is_dir():
        return "is no folder"
    return f"is not empty and holds no {kind.word}" if any(folder.iterdir()) else None


def _taken(
    folder: Path, made_by: Mapping[str, Any], films: Mapping[str, str], kind: Kind
) -> str | None:
    """Return why a folder is not free; None where it is."""
    record = folder / kind.record
    if not record.is_file():
        return _other_content(folder, kind)
    try:
        before = json.loads(record.read_text())
        asked, there = before["made_by"], before["films"]
        others = sorted(set(there.values()) - set(films.values()))
        renamed = [film for name, film in there.items() if films.get(name) != film]
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"its {kind.record} cannot be read"
    for what, value in json.loads(json.dumps(made_by)).items():
        if asked.get(what) != value:
            return f"holds {kind.word} made with another {what.replace('_', ' ')}"
    if others:
        many = f"{len(others)} other film{'s' * (len(others) > 1)}"
        return f"holds {kind.word} of {many}, as {shown(others[0])}"
    if renamed:
        old = next(name for name, film in there.items() if film == renamed[0])
        new = next(name for name, film in films.items() if film == renamed[0])
        return (
            f"holds {kind.word} of {shown(renamed[0])} as {shown(old)}; another film of that name "
            f"was named now, so that it would be {shown(new)}, and nothing there is renamed"
        )
    return None
