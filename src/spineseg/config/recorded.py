"""A study's config as it lies on record: `study.yaml`, every key filled in, and where it is from.

Its head is a comment: prose, and then a mapping behind `# ` that says when, by which version and by
which command it was written. No secret is in it: a webhook's address is left out, and the password
of a store's address is blotted out.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from spineseg.called import pasted
from spineseg.config.model import Model
from spineseg.config.study import StoreConfig, StudyConfig
from spineseg.errors import ConfigError
from spineseg.files import without_password

BLOTTED = "***"
WEBHOOK = "on_end.webhook"
_HEAD = """\
# The study as it is run, every key filled in; its name stands for this file, as in
# `spineseg compare {name}`. Written by `spineseg run`: change the study's own config, not this.
#
"""


class Origin(Model):
    """When, by what and from what a study's config was written down."""

    written: str
    version: str
    command: str
    folder: Path  # Where the command was called: relative paths begin there.
    config: str  # The file that the study was described by.
    left_out: tuple[str, ...] = ()


def config_text(config: StudyConfig, origin: Origin) -> str:
    """Return `study.yaml`: the head, and what `kept` gives; YAML that a config is read from."""
    told = yaml.safe_dump(
        origin.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=1000
    )
    head = "".join(f"# {line}".rstrip() + "\n" for line in told.splitlines())
    body = yaml.safe_dump(kept(config), sort_keys=False, allow_unicode=True, width=100)
    return f"{_HEAD.format(name=config.name)}{head}\n{body}"


def kept(config: StudyConfig) -> dict[str, Any]:
    """Return a config as plain values, as it is written down: without secrets."""
    content: dict[str, Any] = config.model_dump(mode="json")
    if config.on_end is not None and config.on_end.webhook is not None:
        del content["on_end"]["webhook"]
        if config.on_end.command is None:
            content["on_end"] = None
    for key in ("mlflow_uri", "optuna_url"):
        if content["store"][key] is not None:
            content["store"][key] = blotted(content["store"][key])
    return content


def secrets_of(config: StudyConfig) -> tuple[str, ...]:
    """Return the keys whose values, or parts of them, are not written down."""
    store = {
        f"store.{key}": address
        for key in ("mlflow_uri", "optuna_url")
        if (address := getattr(config.store, key)) is not None and blotted(address) != address
    }
    told = config.on_end is not None and config.on_end.webhook is not None
    return (*([WEBHOOK] if told else []), *store)


def blotted(address: str) -> str:
    """Return an address, or a command that holds one, without passwords."""
    return without_password(address)


def refuse_blotted(config: StudyConfig, where: Path) -> None:
    """Raise ConfigError where a store's address is the one on record, without its password."""
    for key in ("mlflow_uri", "optuna_url"):
        address = getattr(config.store, key)
        if address is not None and BLOTTED in address:
            raise ConfigError(
                f"{where}: store.{key} {address}: its password is not kept on record; add --set "
                f"store.{key}=ADDRESS, or name the study's own file"
            )


def reference(config: StudyConfig) -> list[str]:
    """Return the words by which any command here finds a study on record: its name, and where."""
    return reference_in(config.store.root, config.name)


def reference_in(root: Path, name: str) -> list[str]:
    """Return the words by which any command here finds a study on record under a root."""
    return [name, *([] if root == StoreConfig().root else ["--set", f"store.root={root}"])]


def by_name(verb: str, config: StudyConfig) -> str:
    """Return a command on a study on record, as whoever calls here pastes it."""
    return pasted(f"{verb} {shlex.join(reference(config))}")


def read_origin(file: Path) -> Origin | None:
    """Return what the head of a `study.yaml` says; None where it is not as it was written."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        head = [line[2:] for line in lines[3:] if line.startswith("# ") or line == "#"]
        return Origin.model_validate(yaml.safe_load("\n".join(head)))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError):
        return None


def with_paths_found(content: dict[str, Any], file: Path) -> dict[str, Any]:
    """Return a config on record with its sources' relative paths found where it was run."""
    origin = read_origin(file)
    data = content.get("data")
    sources = data.get("sources") if isinstance(data, dict) else None
    if origin is None or not isinstance(sources, list):
        return content
    for source in sources:
        path = source.get("path") if isinstance(source, dict) else None
        if isinstance(path, str) and not Path(path).exists():
            there = origin.folder / path
            if there.exists():
                source["path"] = str(there)
    return content
