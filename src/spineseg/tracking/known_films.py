"""What registered versions were trained on: of every champion, and of weights by their hash."""

from __future__ import annotations

import json
from typing import Any

from mlflow.entities.model_registry import ModelVersion

from spineseg.tracking.model_versions import ALIAS, EVIDENCE, SHA256, Champion, champion
from spineseg.tracking.store import TrackingStore, refusing
from spineseg.tracking.version_files import hash_tag, version_file


def champions(store: TrackingStore) -> list[Champion]:
    """Return the champion of every registered model that this software made, by model.

    Raises StoreError where the store does not answer, or a version is not what it was.
    """
    with refusing(store.uri):
        names = sorted(
            str(model.name)
            for model in store.client.search_registered_models()
            if ALIAS in model.aliases and _is_ours(store, str(model.name), model.aliases[ALIAS])
        )
    found = [champion(store, name) for name in names]
    return [each for each in found if each is not None]


def evidence_of_weights(store: TrackingStore, sha256: str) -> dict[str, Any] | None:
    """Return the evidence of the version whose weights have a hash; None where none has.

    Raises StoreError where the store does not answer.
    """
    with refusing(store.uri):
        versions = store.client.search_model_versions(f"tags.{SHA256} = '{sha256}'")
    for version in versions:
        evidence = version_file(store, version, EVIDENCE, json.loads)
        if evidence is not None:
            return dict(evidence)
    return None


def _is_ours(store: TrackingStore, name: str, number: str) -> bool:
    versions: list[ModelVersion] = store.client.search_model_versions(f"name='{name}'")
    found = next((each for each in versions if str(each.version) == str(number)), None)
    return found is not None and not {hash_tag(EVIDENCE), EVIDENCE}.isdisjoint(found.tags)
