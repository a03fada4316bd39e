"""Versions of registered models, by name, alias or number, and their weights, fetched by hash."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.entities.model_registry import RegisteredModel as Registered
from mlflow.exceptions import MlflowException

from spineseg.errors import ConfigError, NoneYetError, StoreError
from spineseg.files import sha256_of, staging
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.prediction.suffixes import SAFE, WEIGHT_SUFFIXES
from spineseg.tracking.ledger import Ledger, read_ledger
from spineseg.tracking.store import TrackingStore, refusing, without_password
from spineseg.tracking.version_files import (
    lacking,
    version_file,
    version_tag,
)

ALIAS = "champion"
IMAGE_SIZE, SHA256, SYNTHETIC = "image_size_px", "weights_sha256", "synthetic"
"""Tags of a version; without the first it is not used."""
NUMBERING, EVIDENCE = "numbering", "evidence"
"""Files `NAME.json` among a version's own, their hash in its tag `NAME_sha256`; once tags."""
_NOT_THERE = "RESOURCE_DOES_NOT_EXIST"
_SELECTOR = re.compile(r"""([^@/:'"]+)(?:@([\w-]+)|/([1-9]\d*))?""")


@dataclass(frozen=True)
class RegisteredModel:
    """One version of a registered model, with what it carries."""

    name: str
    version: str
    run_id: str
    image_size_px: int
    numbering: NumberingModel
    weights_sha256: str | None = None  # None for a version that was registered without.
    note: str = ""  # What its user is to know: that its run is deleted.
    synthetic: bool | None = None  # Learnt from synthetic films only; None where nobody knows.


@dataclass(frozen=True)
class Champion(RegisteredModel):
    """The version that holds the alias, with what it was promoted on."""

    evidence: dict[str, Any] = field(default_factory=dict)  # Empty for one that was not.


def champion(store: TrackingStore, model_name: str) -> Champion | None:
    """Return the champion of `model_name`, None where there is none.

    Raises StoreError where the store does not answer, the version lacks what it must carry, or
    its evidence is not what it was promoted on.
    """
    with refusing(store.uri):
        registered = _registered(store, model_name)
        if registered is None or ALIAS not in registered.aliases:
            return None
        try:
            found = store.client.get_model_version(model_name, registered.aliases[ALIAS])
        except MlflowException as error:
            if error.error_code == _NOT_THERE:  # The alias points to a version that is deleted.
                return None
            raise
    carried = _carried(store, found)
    evidence = version_file(store, found, EVIDENCE, json.loads)
    return Champion(**vars(carried), evidence=evidence or {})


def unlike_ledger(store: TrackingStore, ledger: Ledger, model_name: str) -> str | None:
    """Return in a line how the champion differs from what the ledger tells last; None: it agrees.

    The ledger tells of another version, of one that is gone, or of none.
    """
    last = ledger.last(model_name)
    number = alias_version(store, model_name)
    if number == (last.version if last else None):
        return None
    if last is None:
        return (
            f"version {number} of {model_name} is champion, and the ledger does not tell of it: "
            "made champion by hand, or its entry is gone"
        )
    told = (
        f"by the ledger, version {last.version} of {model_name} (run {last.run or last.run_id}) is "
        f"champion since {last.time}; "
    )
    remedy = "`spineseg promote --rollback VERSION`"
    if number is not None:
        return (
            f"{told}the alias is at version {number}: moved by hand, or an entry is gone; enter "
            f"which one is meant with {remedy}"
        )
    with refusing(store.uri):
        there = store.client.search_model_versions(f"name='{model_name}'")
    gone = "lost its alias" if last.version in {str(v.version) for v in there} else "is gone"
    return (
        f"{told}it {gone}: promote a run again with `spineseg promote`, or another version with "
        f"{remedy}"
    )


def alias_version(store: TrackingStore, model_name: str, alias: str = ALIAS) -> str | None:
    """Return the number of the version that holds an alias, whatever it carries."""
    with refusing(store.uri):
        registered = _registered(store, model_name)
    return str(registered.aliases[alias]) if registered and alias in registered.aliases else None


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
            raise _no_model(store, name)
        known = {str(v.version): v for v in store.client.search_model_versions(f"name='{name}'")}
        if version is None:
            version = str(registered.aliases.get(alias, ""))
            if not version:
                raise _no_alias(store, registered, alias, known)
        if version not in known:
            raise StoreError(
                f"model {name!r} of {_shown(store)} has no version {version}; it has "
                f"{_listed(sorted(known, key=int))}; name one of them"
            )
    return _carried(store, known[version])


def run_metric(store: TrackingStore, run_id: str, name: str) -> float | None:
    """Return a metric of a version's run, None where it has none or is deleted for good."""
    with refusing(store.uri):
        try:
            value = store.client.get_run(run_id).data.metrics.get(name)
        except MlflowException as error:
            if error.error_code == _NOT_THERE:
                return None
            raise
    return None if value is None else float(value)


def model_weights(store: TrackingStore, model: RegisteredModel, cache: Path) -> tuple[Path, str]:
    """Return a version's weights and their SHA-256, fetched into `cache` under that hash.

    What lies there already is used if it still has the hash that the version carries, and is
    fetched again otherwise. Raises StoreError where there are no weights, or others than the
    version says.
    """
    wanted = model.weights_sha256
    for kept in (cache / f"{wanted}{suffix}" for suffix in WEIGHT_SUFFIXES if wanted is not None):
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
    weights = [path for suffix in WEIGHT_SUFFIXES for path in folder.rglob(f"artifacts/*{suffix}")]
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
        if error.error_code == _NOT_THERE:
            return None
        raise


def _no_model(store: TrackingStore, name: str) -> StoreError:
    there = [model.name for model in store.client.search_registered_models()]
    lost = unlike_ledger(store, read_ledger(store), name)
    if lost is not None:
        return StoreError(f"{_shown(store)} has no model {name!r}; {lost}")
    return NoneYetError(
        f"{_shown(store)} has no model {name!r}; it has {_listed(there)}",
        "promote a run with `spineseg promote`, or name another --model, --store, or a file with "
        "--weights",
    )


def _no_alias(
    store: TrackingStore, registered: Registered, alias: str, known: dict[str, ModelVersion]
) -> StoreError:
    versions = f"versions {', '.join(sorted(known, key=int))}" if known else "no version"
    aliases = f"aliases {', '.join(sorted(registered.aliases))}" if registered.aliases else ""
    lost = None
    if alias == ALIAS:
        lost = unlike_ledger(store, read_ledger(store), str(registered.name))
    what = f"model {registered.name!r} of {_shown(store)} has no alias {alias!r}"
    has = f"it has {' and '.join(filter(None, (versions, aliases)))}"
    remedy = "name NAME/VERSION or NAME@ALIAS, or promote a run with `spineseg promote`"
    if lost:
        return StoreError(f"{what}; {lost}; {has}; {remedy}")
    return NoneYetError(f"{what}; {has}", remedy)


def _carried(store: TrackingStore, found: ModelVersion) -> RegisteredModel:
    """Return a version with what it says of itself. Raises StoreError where it does not."""
    numbering = version_file(store, found, NUMBERING, NumberingModel.model_validate_json)
    if numbering is None:
        raise StoreError(lacking(store, found, NUMBERING))
    size = version_tag(store, found, IMAGE_SIZE, int)
    return RegisteredModel(
        name=str(found.name),
        version=str(found.version),
        run_id=str(found.run_id or ""),
        image_size_px=size,
        numbering=numbering,
        weights_sha256=found.tags.get(SHA256),
        note=run_problem(store, found.run_id) or "",
        synthetic={"true": True, "false": False}.get(found.tags.get(SYNTHETIC, "")),
    )


def run_problem(store: TrackingStore, run_id: str | None) -> str | None:
    """Return in a line what is wrong with the run that a version came of; None where nothing is."""
    if not run_id:
        return "registered by hand, of no run; register one with `spineseg promote`"
    try:
        stage = store.client.get_run(run_id).info.lifecycle_stage
    except MlflowException as error:
        if error.error_code != _NOT_THERE:
            raise
        return f"its run {run_id} is gone for good; promote a run again with `spineseg promote`"
    if stage == "deleted":
        return f"its run is deleted; bring it back with `mlflow runs restore --run-id {run_id}`"
    return None


def _what(store: TrackingStore, model: RegisteredModel) -> str:
    return f"model {model.name!r} version {model.version} of {_shown(store)}"


def _shown(store: TrackingStore) -> str:
    return without_password(store.uri)


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"
