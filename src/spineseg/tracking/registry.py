"""Registers champions: a version whole with its evidence, the alias, a ledger of promotions."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities.model_registry import ModelVersion

from spineseg.errors import StoreError
from spineseg.files import append_line, sha256_of
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.tracking.model_package import log_model
from spineseg.tracking.model_versions import (
    ALIAS,
    EVIDENCE,
    IMAGE_SIZE,
    NUMBERING,
    SHA256,
    Champion,
    champion,
    champion_version,
)
from spineseg.tracking.store import TrackingStore, refusing

__all__ = ["Champion", "champion", "register_champion", "rollback"]


def register_champion(
    store: TrackingStore,
    *,
    run_id: str,
    weights: Path,
    model_name: str,
    image_size_px: int,
    numbering: NumberingModel,
    evidence: Mapping[str, Any],
    example: bytes,
    ledger: Path,
) -> str:
    """Register `weights` of `run_id` as a new version with alias champion; return the version.

    The version is whole before the alias moves, and removed again where something fails. The
    promotion is entered in `ledger`, one JSON object a line: an alias keeps no history.
    Raises StoreError where the store refuses.
    """
    before = champion_version(store, model_name)
    with refusing(store.uri):
        model = log_model(
            store,
            run_id,
            weights,
            image_size_px,
            numbering,
            example,
            synthetic=evidence.get("synthetic"),
        )
        made = mlflow.register_model(model.model_uri, model_name)
        try:
            _describe(store, model_name, made, weights, image_size_px, numbering, evidence)
            store.client.set_registered_model_alias(model_name, ALIAS, made.version)
        except BaseException:
            store.client.delete_model_version(model_name, made.version)
            raise
        store.client.set_tag(run_id, "promoted", f"{model_name} version {made.version}")
    _enter(ledger, model_name, str(made.version), run_id, before, evidence)
    return str(made.version)


def _describe(
    store: TrackingStore,
    model_name: str,
    made: ModelVersion,
    weights: Path,
    image_size_px: int,
    numbering: NumberingModel,
    evidence: Mapping[str, Any],
) -> None:
    tags = {
        SHA256: sha256_of(weights),
        IMAGE_SIZE: str(image_size_px),
        NUMBERING: numbering.model_dump_json(),
        "study": str(evidence.get("study")),
        "synthetic": str(evidence.get("synthetic")).lower(),
        EVIDENCE: json.dumps(evidence),
    }
    for key, value in tags.items():
        store.client.set_model_version_tag(model_name, made.version, key, value)
    gates = "\n".join(
        f"- {'passed' if gate['passed'] else 'refused'}: {gate['name']}, {gate['figure']}"
        for gate in evidence.get("gates", ())
    )
    warning = (
        "**Synthetic X-rays only: not for patients.**\n\n" if evidence.get("synthetic") else ""
    )
    store.client.update_model_version(
        model_name,
        made.version,
        f"{warning}Run {evidence.get('run')} of study {evidence.get('study')}.\n\n{gates}",
    )
    store.client.update_registered_model(
        model_name,
        "Outlines and numbers vertebrae on spine X-rays. The alias `champion` marks the version "
        "in use; each version carries the figures it was promoted on. Not a medical device.",
    )


def _enter(
    ledger: Path,
    model_name: str,
    version: str,
    run_id: str,
    before: str | None,
    evidence: Mapping[str, Any],
) -> None:
    entry = {
        "time": time.time(),
        "model": model_name,
        "version": version,
        "run_id": run_id,
        "replaces": before,
        "evidence": dict(evidence),
    }
    append_line(ledger, json.dumps(entry))


def rollback(store: TrackingStore, model_name: str, version: str, ledger: Path) -> None:
    """Give the alias champion back to an earlier version, and enter that in the ledger.

    Raises StoreError for an unknown model or version.
    """
    before = champion_version(store, model_name)
    with refusing(store.uri):
        known = {
            str(v.version): v for v in store.client.search_model_versions(f"name='{model_name}'")
        }
        if version not in known:
            have = ", ".join(sorted(known, key=int)) or "none"
            raise StoreError(
                f"model {model_name!r} has no version {version}; it has {have}; name one of them"
            )
        store.client.set_registered_model_alias(model_name, ALIAS, version)
    _enter(ledger, model_name, version, str(known[version].run_id), before, {"rollback": True})
