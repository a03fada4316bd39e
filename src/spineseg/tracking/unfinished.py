"""Versions half made by a process that was killed: marked while they are made, found, removed."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil
from mlflow.entities import LoggedModel
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from spineseg.tracking.ledger import read_ledger, who
from spineseg.tracking.store import TrackingStore, experiments, refusing
from spineseg.tracking.version_files import hash_tag

UNFINISHED, MAKER = "unfinished", "unfinished_by"
"""Tags of a version, and of its logged model, while they are made: the model's name; by whom."""
_LONGEST_SECONDS = 3600.0  # A promotion takes minutes; on another machine one cannot look.


@dataclass(frozen=True)
class Leftover:
    """What a promotion that did not end left: a version, or a logged model alone."""

    model: str
    version: ModelVersion | None
    logged: LoggedModel | None
    maker: dict[str, Any]

    @property
    def is_dead(self) -> bool:
        """Whether nobody is at work on it any more."""
        age = time.time() - float(self.maker.get("since", 0))
        if self.maker.get("host") != socket.gethostname():
            return age > _LONGEST_SECONDS
        try:
            process = psutil.Process(int(self.maker.get("process", 0)))
            return abs(process.create_time() - float(self.maker.get("started", 0))) > 1
        except (psutil.Error, ValueError):
            return True

    def text(self) -> str:
        """Return in words what it is, and who began it."""
        at = time.strftime("%Y-%m-%d %H:%M", time.localtime(float(self.maker.get("since", 0))))
        what = f"version {self.version.version}" if self.version else "a logged model without one"
        return f"{what} half made, begun by {self.maker.get('who') or 'nobody known'} at {at}"


def marks(model_name: str, alias: str, replaces: str | None) -> dict[str, str]:
    """Return the tags that say of what is made that this process makes it."""
    maker = {
        "who": who(),
        "host": socket.gethostname(),
        "process": os.getpid(),
        "started": psutil.Process().create_time(),
        "since": time.time(),
        "alias": alias,
        "replaces": replaces,
    }
    return {UNFINISHED: model_name, MAKER: json.dumps(maker)}


def unmark(store: TrackingStore, model_name: str, version: str, logged: str) -> None:
    """Say of a version and its logged model that they are whole."""
    for tag in (MAKER, UNFINISHED):
        store.client.delete_logged_model_tag(logged, tag)
        store.client.delete_model_version_tag(model_name, version, tag)


def leftovers(store: TrackingStore, model_name: str) -> list[Leftover]:
    """Return what is marked as being made of a model, by this process or another."""
    with refusing(store.uri):
        versions = store.client.search_model_versions(f"name='{model_name}'")
        marked = [version for version in versions if UNFINISHED in version.tags]
        logged = {model.model_id: model for model in _logged(store, model_name)}
    found = [
        Leftover(model_name, version, logged.pop(logged_id(version), None), _maker(version.tags))
        for version in marked
    ]
    return found + [Leftover(model_name, None, m, _maker(m.tags)) for m in logged.values()]


def remove_leftovers(store: TrackingStore, model_name: str, say: Callable[[str], None]) -> None:
    """Remove what dead processes left half made, its alias given back to what had it before.

    A version of which the ledger tells is whole: its marks alone are taken away. Raises StoreError
    where the store refuses.
    """
    for left in leftovers(store, model_name):
        if not left.is_dead:
            say(f"{model_name}: {left.text()}, is being made now; left alone")
            continue
        with refusing(store.uri):
            number = str(left.version.version) if left.version else None
            if left.version is not None and _is_told(store, left.version):
                _unmark(store, left)
                say(f"{model_name} version {number}: is whole; what marked it as half made is gone")
                continue
            if number is not None:
                give_back(store, model_name, number, left.maker)
            if left.logged is not None:
                store.client.delete_logged_model(left.logged.model_id)
        say(f"{model_name}: {left.text()}; removed")


def _is_told(store: TrackingStore, version: ModelVersion) -> bool:
    evidence = version.tags.get(hash_tag("evidence"), "")
    return read_ledger(store).tells_of(str(version.name), str(version.version), evidence)


def give_back(
    store: TrackingStore, model_name: str, version: str, maker: Mapping[str, Any]
) -> None:
    """Remove a version; the alias that it was made for goes back to the version before it."""
    alias = str(maker.get("alias"))
    held = store.client.get_registered_model(model_name).aliases.get(alias)
    if str(held) == version:
        move_alias(store, model_name, alias, maker.get("replaces"))
    store.client.delete_model_version(model_name, version)


def move_alias(store: TrackingStore, model_name: str, alias: str, version: str | None) -> None:
    """Give an alias to a version; to none where it is None, or not there."""
    there = store.client.search_model_versions(f"name='{model_name}'")
    if version is not None and any(str(found.version) == version for found in there):
        store.client.set_registered_model_alias(model_name, alias, version)
    else:
        store.client.delete_registered_model_alias(model_name, alias)


def logged_id(version: ModelVersion) -> str:
    """Return the id of the logged model that a version is made of; empty for one of files."""
    source = str(version.source or "")
    return source.removeprefix("models:/") if source.startswith("models:/m-") else ""


def _unmark(store: TrackingStore, left: Leftover) -> None:
    for tag in (MAKER, UNFINISHED):
        if left.version is not None:
            store.client.delete_model_version_tag(left.model, left.version.version, tag)
        if left.logged is not None:
            with suppress(MlflowException):  # One of the two may be gone already.
                store.client.delete_logged_model_tag(left.logged.model_id, tag)


def _logged(store: TrackingStore, model_name: str) -> list[LoggedModel]:
    ids = [experiment.experiment_id for experiment in experiments(store)]
    asked = f"tags.{UNFINISHED} = '{model_name}'"
    return list(store.client.search_logged_models(ids, filter_string=asked)) if ids else []


def _maker(tags: Mapping[str, str]) -> dict[str, Any]:
    try:
        maker = json.loads(tags.get(MAKER, ""))
        return maker if isinstance(maker, dict) else {}
    except ValueError:
        return {}
