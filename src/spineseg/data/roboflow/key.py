"""The user's Roboflow key: the environment first, then Roboflow's own config file."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from spineseg.config.data import RoboflowSource
from spineseg.errors import DataError

_KEY, _FILE = "ROBOFLOW_API_KEY", "ROBOFLOW_CONFIG_DIR"  # The latter names a file, not a folder.
GET_KEY = (
    f"make one at https://app.roboflow.com (Settings, API Keys), then set {_KEY} or run "
    "`roboflow login`; or download the export by hand and use it as a `local` source"
)


def key_of(source: RoboflowSource) -> str:
    """Return the user's key. Raises DataError where there is none, or none that can be one."""
    name = f"{source.workspace}/{source.project}"
    key = os.environ.get(_KEY, "").strip() or _key_in_file(source, name)
    if not key:
        raise DataError(f"{name}: downloading needs a Roboflow key; {GET_KEY}")
    if not re.fullmatch(r"[\w-]+", key, re.ASCII):  # It becomes a part of addresses as it is.
        raise DataError(
            f"{name}: the Roboflow key holds signs that no key has; copy it again: {GET_KEY}"
        )
    return key


def _key_in_file(source: RoboflowSource, name: str) -> str:
    fault = _fault(_config_file())
    if not fault:
        with _environment({_KEY: None, "HOME": os.environ.get("HOME", "/")}):
            try:
                from roboflow.config import load_roboflow_api_key

                return str(load_roboflow_api_key(source.workspace) or "").strip()
            except (ValueError, AttributeError, KeyError, TypeError):
                fault = "its workspaces are not as `roboflow login` writes them"
    raise DataError(
        f"{name}: Roboflow's config file cannot be read: {_config_file()} ({fault}); set {_KEY}, "
        "or run `roboflow login` again"
    )


@contextlib.contextmanager
def usable_config(say: Callable[[str], None]) -> Iterator[None]:
    """Let the package run with a config file that is broken: set aside, and said, for the time.

    The package reads the file whenever it looks up a setting, even one that the environment has.
    """
    file, fault = _config_file(), _fault(_config_file())
    changes: dict[str, str | None] = {"HOME": os.environ.get("HOME", "/")}
    if fault:
        say(f"{file}: Roboflow's config file cannot be read ({fault}); going on without it")
        changes[_FILE] = str(file.parent / f"{file.name}.set-aside-by-spineseg")
    with _environment(changes):
        yield


def _config_file() -> Path:
    """Return the file that the package would read."""
    home = os.environ.get("HOME", "/")
    return Path(os.environ.get(_FILE, str(Path(home, ".config", "roboflow", "config.json"))))


def _fault(file: Path) -> str | None:
    """Return what is wrong with a config file, if anything is; one that is not there is sound."""
    try:
        sound = isinstance(json.loads(file.read_text()), dict)
    except FileNotFoundError:
        return None
    except OSError as error:
        return str(error.strerror).lower()
    except (ValueError, RecursionError):
        sound = False
    return None if sound else "no JSON object"


@contextlib.contextmanager
def _environment(changes: dict[str, str | None]) -> Iterator[None]:
    """Change variables of the environment for a time; None removes one."""
    before = {name: os.environ.get(name) for name in changes}
    _set(changes)
    try:
        yield
    finally:
        _set(before)


def _set(variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
