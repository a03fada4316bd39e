"""All versions of all registered models of a store: figures, aliases, what is wrong with them."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from mlflow.entities.model_registry import ModelVersion

from spineseg.tracking.ledger import Ledger, read_ledger
from spineseg.tracking.model_versions import ALIAS, EVIDENCE, IMAGE_SIZE, run_problem, unlike_ledger
from spineseg.tracking.registration import scores_of
from spineseg.tracking.registry import KIND
from spineseg.tracking.store import TrackingStore, refusing, without_password
from spineseg.tracking.unfinished import UNFINISHED, Leftover, leftovers
from spineseg.tracking.version_files import has_weights, hash_tag

WHOLE = "whole"


@dataclass(frozen=True)
class Listed:
    """One version, as a list shows it."""

    model: str
    version: str
    aliases: tuple[str, ...]
    study: str
    run: str
    kind: str  # promotion or challenger; empty for one that this software did not register
    registered: str  # day and minute, local time
    synthetic: bool | None  # None: not known
    score: float | None  # the objective on validation
    test_score: float | None
    state: str  # WHOLE, or what is wrong with it, and the remedy


@dataclass(frozen=True)
class ModelList:
    """What a store's registry holds."""

    store: str
    versions: tuple[Listed, ...]
    problems: tuple[str, ...]  # what belongs to no version that is there

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def list_models(store: TrackingStore) -> ModelList:
    """Return every version, newest first within its model, and what is lost or left over.

    Raises StoreError where the store does not answer.
    """
    ledger = read_ledger(store)
    found: list[Listed] = []
    problems = list(ledger.problems)
    with refusing(store.uri):
        registered = {model.name: model for model in store.client.search_registered_models()}
        for name, model in sorted(registered.items()):
            left = leftovers(store, name)
            unfinished = {str(x.version.version): x for x in left if x.version is not None}
            aliases = {alias: str(version) for alias, version in model.aliases.items()}
            there = store.client.search_model_versions(f"name='{name}'")
            for version in sorted(there, key=lambda v: -int(v.version)):
                number = str(version.version)
                own = tuple(sorted(alias for alias, v in aliases.items() if v == number))
                state = _state(store, ledger, version, own, unfinished.get(number))
                found.append(_listed(version, own, state))
            problems += [f"{name}: {_remedied(x)}" for x in left if x.version is None]
            if not there and not left and not ledger.last(name):
                problems.append(f"{name}: has no version; the next `spineseg promote` makes one")
        for name in sorted({entry.model for entry in ledger.entries}):
            unlike = unlike_ledger(store, ledger, name)
            problems += [unlike] if unlike else []
    return ModelList(without_password(store.uri), tuple(found), tuple(problems))


def whole_history(store: TrackingStore) -> Ledger:
    """Return the ledger, and among what is wrong with it, how the registry contradicts it."""
    ledger = read_ledger(store)
    names = {entry.model for entry in ledger.entries}
    with refusing(store.uri):
        for version in store.client.search_model_versions(f"tags.{KIND} = 'promotion'"):
            names.add(version.name)  # Promoted by this software: a server holds others' models too.
    unlike = [unlike_ledger(store, ledger, name) for name in sorted(names)]
    return replace(ledger, problems=(*ledger.problems, *filter(None, unlike)))


def _state(
    store: TrackingStore,
    ledger: Ledger,
    found: ModelVersion,
    aliases: tuple[str, ...],
    left: Leftover | None,
) -> str:
    """Return what is wrong with a version, WHOLE where nothing is."""
    if left is not None:
        return _remedied(left)
    wrong = [run_problem(store, found.run_id)]
    if found.run_id and IMAGE_SIZE not in found.tags:
        wrong.append("registered by hand, without its tags; register it with `spineseg promote`")
    if not has_weights(found):
        wrong.append("its weights are gone; put its artifacts back, or choose another version")
    evidence = found.tags.get(hash_tag(EVIDENCE), "")
    if ALIAS in aliases and not ledger.tells_of(str(found.name), str(found.version), evidence):
        wrong.append("the ledger does not tell of it: made champion by hand, or an entry is gone")
    return "; ".join(filter(None, wrong)) or WHOLE


def _remedied(left: Leftover) -> str:
    return left.text() + (
        "; the next `spineseg promote` removes it" if left.is_dead else "; it is being made now"
    )


def _listed(found: ModelVersion, aliases: tuple[str, ...], state: str) -> Listed:
    tags = found.tags
    evidence = _old_evidence(tags.get(EVIDENCE, ""))
    scores = scores_of(evidence) | tags
    synthetic = {"true": True, "false": False}.get(tags.get("synthetic", ""))
    return Listed(
        model=str(found.name),
        version=str(found.version),
        aliases=aliases,
        study=tags.get("study", ""),
        run=tags.get("run") or str(evidence.get("run", "")),
        kind=tags.get(KIND, "promotion" if evidence else ""),
        registered=time.strftime("%Y-%m-%d %H:%M", time.localtime(found.creation_timestamp / 1000)),
        synthetic=synthetic,
        score=_number(scores.get("score")),
        test_score=_number(scores.get("test_score")),
        state=state if UNFINISHED not in tags or state != WHOLE else "half made",
    )


def _old_evidence(text: str) -> dict[str, Any]:
    """Return the evidence that versions of before have in a tag; empty for others."""
    try:
        evidence = json.loads(text)
    except ValueError:
        return {}
    return evidence if isinstance(evidence, dict) else {}


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
