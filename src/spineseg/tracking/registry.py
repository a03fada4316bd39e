"""Registers models: a version whole with its card and evidence, the alias, the ledger; rollback."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from spineseg.errors import SpinesegError, StoreError
from spineseg.tracking.ledger import Action, enter, read_ledger
from spineseg.tracking.model_card import CARD_FILE, description_of
from spineseg.tracking.model_package import log_model
from spineseg.tracking.model_versions import (
    ALIAS,
    EVIDENCE,
    SHA256,
    alias_version,
    run_problem,
    unlike_ledger,
)
from spineseg.tracking.registration import Registration, score_model
from spineseg.tracking.store import TrackingStore, refusing
from spineseg.tracking.tracked_runs import NOTE
from spineseg.tracking.unfinished import (
    MAKER,
    UNFINISHED,
    give_back,
    marks,
    move_alias,
    remove_leftovers,
    unmark,
)
from spineseg.tracking.version_files import described, has_weights, hash_tag

CHALLENGER = "challenger"
KIND = "kind"
"""Tag of a version: how it came to be registered, `promotion` or `challenger`."""
_MODEL_DESCRIPTION = (
    "Outlines and numbers vertebrae on spine X-rays. `champion` marks the version in use, "
    "`challenger` one that is tried and was not promoted. Each version has its card. Not a medical "
    "device."
)
_THERE_ALREADY = "RESOURCE_ALREADY_EXISTS"
Say = Callable[[str], None]


def settle(store: TrackingStore, model_name: str, say: Say) -> None:
    """Remove what a killed promotion left half made, before another begins."""
    remove_leftovers(store, model_name, say)


def refuse_without_rights(store: TrackingStore, model_name: str) -> None:
    """Raise StoreError where the registry may not be written: before a test part is opened."""
    with refusing(store.uri):
        if _made(store, model_name):
            store.client.delete_registered_model(model_name)


def register_champion(store: TrackingStore, asked: Registration, why: str) -> str:
    """Register a model as a new version with alias champion; return the version.

    The version is whole before the alias moves, the promotion is entered in the ledger, and all of
    it is taken back where something fails. Raises StoreError where the store refuses.
    """
    return _register(store, asked, ALIAS, why)


def register_challenger(store: TrackingStore, asked: Registration) -> str:
    """Register a model as a new version with alias challenger, and nothing else; return it.

    Raises StoreError where the store refuses.
    """
    return _register(store, asked, CHALLENGER, None)


def _register(store: TrackingStore, asked: Registration, alias: str, why: str | None) -> str:
    name = asked.model_name
    before = alias_version(store, name, alias)
    made = _Made(marks(name, alias, before))
    with refusing(store.uri), tempfile.TemporaryDirectory() as folder:
        try:
            made.model_is_new = _made(store, name)
            made.logged, sha256 = _logged(store, asked, made.marks)
            files = asked.files(Path(folder), sha256, challenger=alias == CHALLENGER)
            tags = asked.tags(files, sha256)
            tags |= {KIND: "promotion" if why is not None else CHALLENGER}
            card = description_of(files[CARD_FILE].read_text())
            for path in files.values():
                store.client.log_model_artifact(made.logged, str(path))
            store.client.set_logged_model_tags(made.logged, {NOTE: card})
            score_model(store, asked.run_id, made.logged)
            made.version = _version(store, asked, made, tags, card)
            if why is None:
                store.client.set_registered_model_alias(name, alias, made.version)
            else:
                _crown(store, name, made.version, asked.run_id, tags, "promotion", why, before)
        except BaseException:
            _take_back(store, name, made)
            raise
        unmark(store, name, made.version, made.logged)
        if why is not None:
            store.client.set_tag(asked.run_id, "promoted", f"{name} version {made.version}")
    return made.version


@dataclass
class _Made:
    """How far a registration is."""

    marks: dict[str, str]
    model_is_new: bool = False
    logged: str = ""
    version: str = ""


def _made(store: TrackingStore, name: str) -> bool:
    """Make the registered model, or describe it anew; return whether it was made."""
    try:
        store.client.create_registered_model(name, description=_MODEL_DESCRIPTION)
    except MlflowException as error:
        if error.error_code != _THERE_ALREADY:
            raise
        store.client.update_registered_model(name, _MODEL_DESCRIPTION)
        return False
    return True


def _logged(store: TrackingStore, asked: Registration, marked: dict[str, str]) -> tuple[str, str]:
    """Log the model, marked as being made; return its id, and the hash of its weights there."""
    info = log_model(
        store,
        asked.run_id,
        asked.weights,
        asked.image_size_px,
        asked.numbering,
        asked.example,
        synthetic=asked.evidence.get("synthetic"),
        params=asked.params,
        tags=marked | {"synthetic": str(asked.evidence.get("synthetic")).lower()},
    )
    return str(info.model_id), str((info.metadata or {})[SHA256])


def _version(
    store: TrackingStore, asked: Registration, made: _Made, tags: dict[str, str], card: str
) -> str:
    """Make a version in one request, so that it is whole or not there."""
    name = asked.model_name
    version = store.client.create_model_version(
        name,
        f"models:/{made.logged}",
        run_id=asked.run_id,
        tags=tags | made.marks,
        description=card,
        model_id=made.logged,
    ).version
    if store.is_local:  # A server does this by itself: its pages lead from a model to its version.
        told = json.dumps([{"name": name, "version": str(version)}])
        store.client.set_logged_model_tags(made.logged, {"mlflow.modelVersions": told})
    return str(version)


def _take_back(store: TrackingStore, name: str, made: _Made) -> None:
    """Undo what was made, as far as the store lets us: what stays is marked as half made."""
    steps: list[Callable[[], None]] = []
    if made.version:
        steps.append(lambda: give_back(store, name, made.version, json.loads(made.marks[MAKER])))
    if made.logged:
        steps.append(lambda: store.client.delete_logged_model(made.logged))
    if made.model_is_new:
        steps.append(lambda: store.client.delete_registered_model(name))
    for step in steps:
        with suppress(MlflowException, SpinesegError, OSError):
            step()


def rollback(store: TrackingStore, model_name: str, version: str, why: str) -> None:
    """Give the alias champion back to an earlier version, and enter that in the ledger.

    Raises StoreError for an unknown model or version, and for one that was never promoted, is half
    made, or has lost its weights or its run.
    """
    before = alias_version(store, model_name, ALIAS)
    with refusing(store.uri):
        there = store.client.search_model_versions(f"name='{model_name}'")
        known = {str(found.version): found for found in there}
        if version not in known:
            have = ", ".join(sorted(known, key=int)) or "none"
            raise StoreError(
                f"model {model_name!r} has no version {version}; it has {have}; name one of them"
            )
        if version == before and unlike_ledger(store, read_ledger(store), model_name) is None:
            raise StoreError(
                f"version {version} of {model_name!r} is champion already; name another version"
            )
        found = known[version]
        problem = _not_fit(store, found)
        if problem is not None:
            raise StoreError(f"{described(store, found)}: {problem}; name another version")
        _crown(store, model_name, version, str(found.run_id), found.tags, "rollback", why, before)


def _crown(
    store: TrackingStore,
    name: str,
    version: str,
    run_id: str,
    tags: Mapping[str, str],
    action: Action,
    why: str,
    before: str | None,
) -> None:
    """Move the alias champion and enter that in the ledger, or neither."""
    store.client.set_registered_model_alias(name, ALIAS, version)
    try:
        enter(
            store,
            model=name,
            version=version,
            action=action,
            why=why,
            run_id=run_id,
            replaces=before,
            study=tags.get("study", ""),
            run=tags.get("run", ""),
            evidence_sha256=tags.get(hash_tag(EVIDENCE), ""),
        )
    except BaseException:
        move_alias(store, name, ALIAS, before)
        raise


def _not_fit(store: TrackingStore, found: ModelVersion) -> str | None:
    """Return why a version cannot be champion; None where it can."""
    if found.tags.get(KIND) == CHALLENGER:
        return "is a challenger that passed no gates; promote its run with `spineseg promote`"
    if UNFINISHED in found.tags:
        return "is half made; the next `spineseg promote` removes it"
    problem = run_problem(store, found.run_id)
    if problem is not None:
        return problem
    return None if has_weights(found) else "its weights are gone"
