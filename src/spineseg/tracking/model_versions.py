"""Versions of registered models, by name, alias or number, and their weights, fetched by hash."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.entities.model_registry import RegisteredModel as Registered
from mlflow.exceptions import MlflowException

from spineseg.errors import ConfigError, StoreError
from spineseg.files import sha256_of, staging
from spineseg.prediction.network_file import SAFE
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.tracking.store import TrackingStore, refusing, without_password

ALIAS = "champion"
IMAGE_SIZE, NUMBERING, EVIDENCE, SHA256 = (
    "image_size_px",
    "numbering",
    "evidence",
    "weights_sha256",
)
"""Tags that `register_champion` writes to a version."""
_SUFFIXES = (SAFE, ".pt")  # What is registered now, and what was registered before.
_SELECTOR = re.compile(r"""([^@/:'"]+)(?:@([\w-]+)|/([1-9]\d*))?""")


@dataclass(frozen=True)
class RegisteredModel:
    """One version of a registered model, with what it carries."""

    name: str
    version: str
    run_id: str
    image_size_px: int
    numbering: NumberingModel
    evidence: dict[str, Any]  # What it was promoted on; empty for one that was not.
    weights_sha256: str | None = None  # None for a version that was registered without.


Champion = RegisteredModel  # The version that holds the alias.


def champion(store: TrackingStore, model_name: str) -> Champion | None:
    """Return the champion of `model_name`, None where there is none.

    Raises StoreError where the store does not answer, or the version lacks what it must carry.
    """
    with refusing(store.uri):
        registered = _registered(store, model_name)
        if registered is None or ALIAS not in registered.aliases:
            return None
        found = store.client.get_model_version(model_name, registered.aliases[ALIAS])
    return _carried(store, found)


def champion_version(store: TrackingStore, model_name: str) -> str | None:
    """Return the number of the version that holds the alias, whatever it carries."""
    with refusing(store.uri):
        registered = _registered(store, model_name)
    return str(registered.aliases[ALIAS]) if registered and ALIAS in registered.aliases else None


def model_version(store: TrackingStore, selector: str) -> RegisteredModel:
    """Return the version that `NAME`, `NAME@alias` or `NAME/version` names.

    A bare name means its champion. Raises ConfigError for a selector of another form, StoreError
    for a model, alias or version that there is not, and for one that lacks what it must carry.
    """
    match = _SELECTOR.fullmatch(selector)
    if match is None:
        raise ConfigError(
            f"--model {selector!r}: must be NAME, NAME@ALIAS or NAME/VERSION, as "
            f"spine-vertebrae@{ALIAS} or spine-vertebrae/2"
        )
    name, alias, version = match[1], match[2] or ALIAS, match[3]
    with refusing(store.uri):
        registered = _registered(store, name)
        if registered is None:
            raise StoreError(_no_model(store, name))
        known = {str(v.version): v for v in store.client.search_model_versions(f"name='{name}'")}
        if version is None:
            version = str(registered.aliases.get(alias, ""))
            if not version:
                raise StoreError(_no_alias(store, registered, alias, known))
        if version not in known:
            raise StoreError(
                f"model {name!r} of {_shown(store)} has no version {version}; it has "
                f"{_listed(sorted(known, key=int))}; name one of them"
            )
    return _carried(store, known[version])


def model_weights(store: TrackingStore, model: RegisteredModel, cache: Path) -> tuple[Path, str]:
    """Return a version's weights and their SHA-256, fetched into `cache` under that hash.

    What lies there already is used if it still has the hash that the version carries, and is
    fetched again otherwise. Raises StoreError where there are no weights, or others than the
    version says.
    """
    wanted = model.weights_sha256
    for kept in (cache / f"{wanted}{suffix}" for suffix in _SUFFIXES if wanted is not None):
        if kept.is_file() and sha256_of(kept) == wanted:
            return kept, sha256_of(kept)
    with staging(cache, "fetched") as folder:
        weights = _fetched(store, model, folder)
        sha256 = sha256_of(weights)
        if wanted not in (None, sha256):
            raise StoreError(
                f"{_what(store, model)}: its weights have the SHA-256 {sha256[:12]}, its tag "
                f"{SHA256} says {wanted[:12]}; promote the run again, or choose another version"
            )
        kept = cache / f"{sha256}{weights.suffix}"
        weights.replace(kept)
    return kept, sha256


def _fetched(store: TrackingStore, model: RegisteredModel, folder: Path) -> Path:
    """Return a version's weights, downloaded with all of the version into `folder`."""
    uri = f"models:/{model.name}/{model.version}"
    with refusing(f"{store.uri}, {model.name} version {model.version}"):
        mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(folder))
    weights = [path for suffix in _SUFFIXES for path in folder.rglob(f"artifacts/*{suffix}")]
    if len(weights) != 1:
        raise StoreError(
            f"{_what(store, model)}: must hold one file artifacts/*{SAFE} (or .pt, as registered "
            f"before), it holds {len(weights)}; "
            "put its artifacts back, or register a run with `spineseg promote`"
        )
    return weights[0]


def _registered(store: TrackingStore, name: str) -> Registered | None:
    try:
        return store.client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def _no_model(store: TrackingStore, name: str) -> str:
    there = [model.name for model in store.client.search_registered_models()]
    return (
        f"{_shown(store)} has no model {name!r}; it has {_listed(there)}; promote a run with "
        "`spineseg promote`, or name another --model, --store, or a file with --weights"
    )


def _no_alias(
    store: TrackingStore, registered: Registered, alias: str, known: dict[str, ModelVersion]
) -> str:
    versions = f"versions {', '.join(sorted(known, key=int))}" if known else "no version"
    aliases = f"aliases {', '.join(sorted(registered.aliases))}" if registered.aliases else ""
    return (
        f"model {registered.name!r} of {_shown(store)} has no alias {alias!r}; it has "
        f"{' and '.join(filter(None, (versions, aliases)))}; name NAME/VERSION or NAME@ALIAS, or "
        "promote a run with `spineseg promote`"
    )


def _carried(store: TrackingStore, found: ModelVersion) -> RegisteredModel:
    """Return a version with what its tags say. Raises StoreError where they do not."""
    numbering = _tag(store, found, NUMBERING, NumberingModel.model_validate_json)
    return RegisteredModel(
        name=str(found.name),
        version=str(found.version),
        run_id=str(found.run_id),
        image_size_px=_tag(store, found, IMAGE_SIZE, int),
        numbering=numbering,
        evidence=_tag(store, found, EVIDENCE, json.loads) if EVIDENCE in found.tags else {},
        weights_sha256=found.tags.get(SHA256),
    )


def _tag(store: TrackingStore, found: ModelVersion, key: str, read: Callable[[str], Any]) -> Any:
    what = f"model {found.name!r} version {found.version} of {_shown(store)}"
    if key not in found.tags:
        raise StoreError(
            f"{what}: has no tag {key}, which `spineseg promote` writes and a registration by hand "
            "does not; promote the run, or add the tag"
        )
    try:
        return read(found.tags[key])
    except ValueError:
        raise StoreError(
            f"{what}: its tag {key} is {found.tags[key][:40]!r}, which this version of the "
            "software cannot read; promote the run again, or mend the tag"
        ) from None


def _what(store: TrackingStore, model: RegisteredModel) -> str:
    return f"model {model.name!r} version {model.version} of {_shown(store)}"


def _shown(store: TrackingStore) -> str:
    return without_password(store.uri)


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"
