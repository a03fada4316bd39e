"""A study's config kept with its runs, and held against the one that a command is given.

What a study was run with is its `study.yaml`. A command that reads a study, and is given a file
that says something else, would write figures of a study that nobody ran: it is refused, with the
key and both values. `run` takes over what may change (`study/trial_queue.py` says what may not).

Places and people may differ always: `store`, `devices`, `on_end`, where a source lies, and the
description. So may a key of `promote` that is overridden on the command line.
"""

from __future__ import annotations

import logging
import shlex
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from spineseg.called import command_line, pasted
from spineseg.code_version import code_version
from spineseg.config.named import name_told
from spineseg.config.recorded import (
    BLOTTED,
    WEBHOOK,
    Origin,
    blotted,
    config_text,
    kept,
    read_origin,
    reference,
    secrets_of,
)
from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import WRITE_ANEW, checked, load_study, read_mapping, study_named
from spineseg.errors import ConfigError, RecordError, StoreError
from spineseg.files import write_whole
from spineseg.job import first_difference
from spineseg.packages import packages_text
from spineseg.places import StudyPlaces, has_runs, not_run_yet

_FREE = ("store", "devices", "on_end", "description")
_NEVER = ("data", "baseline", "objective", "numbering", "transitional")
_READ_RUNS = ("status", "compare", "promote", "export study", "retry")
log = logging.getLogger(__name__)


def load_recorded(path: Path, overrides: Iterable[str], verb: str) -> StudyConfig:
    """Return the study that `path`, a file or a name, describes, for a command that reads its runs.

    `verb` is that command, for the remedy. Raises ConfigError as `load_study` does, and where the
    study's config on record says something else; StoreError where it was never run, RecordError
    where its record is damaged.
    """
    overrides = list(overrides)
    config = load_study(path, overrides)
    places = StudyPlaces(config.store.root, config.name)
    if places.config.is_file():
        before = recorded_config(places)
        _refuse_twin(config, before, places, path)
        found = _difference(before, config, overrides)
        if found:
            key, was, now = found
            run = pasted(f"run {shlex.join([str(path), *_as_options(overrides)])}")
            taken = f"take it over with `{run}`, " if _may_change(before, config) else ""
            raise ConfigError(
                f"{path}: has {key} {now}, study {config.name!r} on record {was}: what `{verb}` "
                f"writes would not be of its runs; {taken}restore the value, or name the study: "
                f"`{pasted(f'{verb} {shlex.join(reference(config))}')}`"
            )
    elif has_runs(places.folder):
        log.warning(
            "study %r has no study.yaml on record, as an earlier version left it: %s is taken as "
            "it is; the next `spineseg run` writes it down",
            config.name,
            path,
        )
    elif verb in _READ_RUNS:
        run = pasted(f"run {shlex.join(words_for(config, path, overrides))}")
        raise StoreError(f"{not_run_yet(places)}; start it with `{run}`")
    return config


def words_for(config: StudyConfig, asked: Path, overrides: Sequence[str]) -> list[str]:
    """Return the words by which any command here finds a study: `reference`, else as it was asked
    for."""
    on_record = StudyPlaces(config.store.root, config.name).config.is_file()
    return reference(config) if on_record else [str(asked), *_as_options(overrides)]


def recorded_config(places: StudyPlaces) -> StudyConfig:
    """Return what a study was run with last. Raises RecordError where it cannot be read."""
    try:
        content = read_mapping(places.config, WRITE_ANEW)
    except ConfigError as error:
        raise RecordError(str(error)) from None
    try:
        return checked(StudyConfig, content, places.config)
    except ConfigError as error:
        raise RecordError(f"{error}; or {WRITE_ANEW}") from None


def keep_study_config(config: StudyConfig, places: StudyPlaces, where: Path) -> None:
    """Write a study's config and packages into its folder, unless they are there as they are now.

    `where` is the file, or the name, that the study was asked for by. Raises ConfigError where
    another file that is still there describes another study of that name.
    """
    told = read_origin(places.config)
    try:
        before = recorded_config(places) if places.config.is_file() else None
    except RecordError:
        before = None  # Damaged: it is written anew.
    if before is not None:
        _refuse_twin(config, before, places, where)
    places.folder.mkdir(parents=True, exist_ok=True)
    if not places.packages.is_file() or places.packages.read_text() != packages_text():
        write_whole(places.packages, packages_text())
    found = study_named(where, [f"store.root={places.root}"])
    own = told if found.root is not None else None  # Asked for by the record itself.
    left_out = secrets_of(config) or (own.left_out if own else ())
    same = before is not None and kept(before) == kept(config)
    if same and told is not None and told.left_out == left_out:
        return
    origin = Origin(
        written=time.strftime("%Y-%m-%d %H:%M:%S %z"),
        version=code_version(),
        command=_without_secrets(command_line(), config) or "not called from a command line",
        folder=Path.cwd(),
        config=own.config if own else str(found.file),
        left_out=left_out,
    )
    write_whole(places.config, config_text(config, origin))


def say_of_record(config: StudyConfig, asked: Path) -> None:
    """Say what a study asked for by its name goes on without: a webhook, a later edit of its file.

    What was overridden on the command line then is no edit.
    """
    places = StudyPlaces(config.store.root, config.name)
    told = read_origin(places.config)
    if told is None or study_named(asked, [f"store.root={places.root}"]).root is None:
        return
    given = config.on_end is not None and config.on_end.webhook is not None
    if WEBHOOK in told.left_out and not given:
        log.warning(
            "%s of study %r is not kept on record, so that address is not told; give it with "
            "--set %s=ADDRESS",
            WEBHOOK,
            config.name,
            WEBHOOK,
        )
    file = told.folder / told.config
    if name_told(file) == config.name and "--set" not in told.command:
        try:
            found = _difference(recorded_config(places), load_study(file), ())
        except (ConfigError, RecordError):
            return  # Neither is used here.
        if found:
            key, was, now = found
            log.warning(
                "study %r goes on as on record, with %s %s; %s has %s since, which `spineseg run "
                "%s` takes over",
                *(config.name, key, was, told.config, now, shlex.quote(told.config)),
            )


def _refuse_twin(
    config: StudyConfig, before: StudyConfig, places: StudyPlaces, where: Path
) -> None:
    """Raise ConfigError where a second file, which says otherwise, has the name of a study."""
    told = read_origin(places.config)
    if told is None or study_named(where, [f"store.root={places.root}"]).root is not None:
        return
    first = told.folder / told.config
    renamed = any(word.startswith("name=") for word in shlex.split(told.command))
    if not first.is_file() or (name_told(first) != config.name and not renamed):
        return
    found = _difference(before, config, ())
    if found and where.is_file() and not where.samefile(first):
        key, was, now = found
        raise ConfigError(
            f"{where}: names its study {config.name!r}, as {told.config} does, which is on record "
            f"with {key} {was}, here {now}; give one of the two another name, or remove the file "
            "that no longer counts"
        )


def _difference(
    before: StudyConfig, now: StudyConfig, overrides: Sequence[str]
) -> tuple[str, str, str] | None:
    """Return the first key that counts in which two configs differ, and both values in short."""
    one, other = _counting(before), _counting(now)
    for text in overrides:
        key = text.partition("=")[0]
        if key.startswith("promote."):
            name = key.removeprefix("promote.")
            one["promote"].pop(name, None)
            other["promote"].pop(name, None)
    if one == other:
        return None
    key, was, is_now = first_difference("", one, other)
    return key.removeprefix("."), was, is_now


def _may_change(before: StudyConfig, now: StudyConfig) -> bool:
    """Return whether `run` takes over all in which two configs differ."""
    one, other = _counting(before), _counting(now)
    return all(one.get(key) == other.get(key) for key in _NEVER)


def _counting(config: StudyConfig) -> dict[str, Any]:
    content = {key: value for key, value in kept(config).items() if key not in _FREE}
    for source in content["data"]["sources"]:
        source.pop("path", None)
    content["data"]["sources"] = dict(enumerate(content["data"]["sources"]))
    content["variants"] = {variant["name"]: variant for variant in content["variants"]}
    return content


def _as_options(overrides: Sequence[str]) -> list[str]:
    return [word for text in overrides for word in ("--set", text)]


def _without_secrets(command: str, config: StudyConfig) -> str:
    """Return a command line without what must not be on record."""
    words = []
    for word in shlex.split(command):
        key, equals, _ = word.partition("=")
        words.append(f"{key}{equals}{BLOTTED}" if "webhook" in word else blotted(word))
    text = shlex.join(words)
    told = config.on_end.webhook if config.on_end is not None else None
    return text.replace(told.get_secret_value(), BLOTTED) if told is not None else text
