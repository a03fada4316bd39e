"""A version is whole or not there: card, evidence, scores; failures, kills, rights; rollback."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from registry_cases import (
    fresh_store,
    log_quickly,
    register_file,
    registration,
    tracked_run,
    weights_of,
)
from without_rights import forbidding

from spineseg.errors import StoreError
from spineseg.files import sha256_of
from spineseg.tracking import registry
from spineseg.tracking.ledger import read_ledger
from spineseg.tracking.model_card import description_of
from spineseg.tracking.model_list import list_models
from spineseg.tracking.model_package import requirements
from spineseg.tracking.model_versions import alias_version, champion, model_version, unlike_ledger
from spineseg.tracking.store import TrackingStore, open_store
from spineseg.tracking.unfinished import logged_id

NAME = "spine-vertebrae"


@pytest.fixture
def store(tmp_path: Path, empty_stores: Path, monkeypatch: pytest.MonkeyPatch) -> TrackingStore:
    """An empty store of its own, in which models are logged without their package."""
    monkeypatch.setattr(registry, "log_model", log_quickly)
    return fresh_store(tmp_path / "mlruns", empty_stores)


def artifact(store: TrackingStore, version: str, name: str) -> Path:
    found = store.client.get_model_version(NAME, version)
    model = store.client.get_logged_model(logged_id(found))
    return Path(model.artifact_location.removeprefix("file://")) / name


def test_a_versions_page_answers(store: TrackingStore, tmp_path: Path) -> None:
    asked = registration(store, tmp_path)
    before = store.client.get_run(asked.run_id)
    assert registry.register_champion(store, asked, "it is better") == "1"
    found = store.client.get_model_version_by_alias(NAME, "champion")
    card = artifact(store, "1", "model-card.md").read_text()
    assert found.description == card and card.startswith("**Synthetic X-rays only")
    for words in ("Not a medical device", "AGPL-3.0", "0.9000 | 0.7000", sha256_of(asked.weights)):
        assert words in card
    evidence = artifact(store, "1", "evidence.json")
    assert found.tags["evidence_sha256"] == sha256_of(evidence)
    assert (found.tags["score"], found.tags["test_score"]) == ("0.9000", "0.7000")
    assert max(map(len, found.tags.values())) == 64 and "unfinished" not in found.tags

    model = store.client.get_logged_model(logged_id(found))
    assert {(m.key, m.value, m.dataset_name, m.dataset_digest) for m in model.metrics} == {
        ("score", 0.81, "valid films", "abcdef012345"),
        ("best/mask_map50", 0.9, "valid films", "abcdef012345"),
        ("test/mask_map50", 0.7, "test films", "abcdef012345"),
    }
    assert model.tags["mlflow.note.content"] == card
    assert model.params["image_size_px"] == "64" and set(model.tags) == {
        "synthetic",
        "mlflow.modelVersions",
        "mlflow.note.content",
    }
    after = store.client.get_run(asked.run_id)
    assert vars(after.info) == vars(before.info) and after.data.metrics == before.data.metrics
    assert len(store.client.get_metric_history(asked.run_id, "score")) == 1


def test_a_challenger_says_that_it_is_none_of_the_promoted(
    store: TrackingStore, tmp_path: Path
) -> None:
    registry.register_champion(store, registration(store, tmp_path), "it is better")
    ledger = read_ledger(store)
    assert registry.register_challenger(store, registration(store, tmp_path, run="b")) == "2"
    assert registry.register_challenger(store, registration(store, tmp_path, run="c")) == "3"
    found = store.client.get_model_version_by_alias(NAME, "challenger")
    assert str(found.version) == "3" and "A challenger, not promoted" in found.description
    assert found.tags["kind"] == "challenger"
    assert alias_version(store, NAME) == "1" and read_ledger(store) == ledger
    with pytest.raises(StoreError, match="is a challenger that passed no gates; promote its run"):
        registry.rollback(store, NAME, "3", "in haste")
    assert alias_version(store, NAME) == "1" and read_ledger(store) == ledger


@pytest.mark.parametrize("name", ["evidence", "numbering"])
def test_a_file_that_was_altered_is_refused(
    store: TrackingStore, tmp_path: Path, name: str
) -> None:
    registry.register_champion(store, registration(store, tmp_path), "it is better")
    file = artifact(store, "1", f"{name}.json")
    file.write_text(file.read_text().replace("0.7", "0.1").replace("sequence", "argmax"))
    with pytest.raises(StoreError, match=rf"{name}\.json has the SHA-256 .* was altered") as caught:
        champion(store, NAME)
    assert "\n" not in str(caught.value)
    file.unlink()
    with pytest.raises(StoreError, match=rf"{name}\.json is gone; put its artifacts back"):
        champion(store, NAME)


def test_evidence_of_before_it_was_a_file_is_read_from_its_tag(
    store: TrackingStore, tmp_path: Path
) -> None:
    evidence = {"run": "a", "objective": "m", "metrics": {"best/m": 0.5}}
    tags = {"evidence": json.dumps(evidence)}
    register_file(store, weights_of(tmp_path, b"one"), tags=tags)
    holder = champion(store, NAME)
    assert holder is not None and holder.evidence == evidence
    (listed,) = list_models(store).versions
    assert (listed.run, listed.score, listed.test_score) == ("a", 0.5, None)


STEPS = (
    "update_registered_model",
    "create_logged_model",
    "log_model_artifact",
    "log_batch",
    "create_model_version",
    "set_registered_model_alias",
)


def nothing_new(store: TrackingStore) -> None:
    """Assert that a store is as it was with its one champion."""
    assert [(v.version, v.aliases, v.state) for v in list_models(store).versions] == [
        ("1", ("champion",), "whole")
    ]
    assert list_models(store).problems == () and len(read_ledger(store).entries) == 1


@pytest.mark.parametrize(
    "step", [*(pytest.param(step, marks=pytest.mark.wide) for step in STEPS), "enter"]
)
def test_what_fails_leaves_nothing_behind(
    store: TrackingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    registry.register_champion(store, registration(store, tmp_path), "it is better")
    asked = registration(store, tmp_path, run="other")

    def fails(*_: Any, **__: Any) -> None:
        with suppress(AttributeError):  # Once; what takes it back may go through.
            delattr(store.client, step)
        raise MlflowException("403 forbidden\nand more")

    if step == "enter":
        monkeypatch.setattr(registry, "enter", fails)
    else:
        object.__setattr__(store.client, step, fails)
    with pytest.raises(StoreError, match="403 forbidden") as caught:
        registry.register_champion(store, asked, "it is better still")
    assert "\n" not in str(caught.value)
    nothing_new(store)


def test_what_is_being_made_is_left_alone(store: TrackingStore, tmp_path: Path) -> None:
    seen, said = list[str](), list[str]()

    def looks(*words: Any, **named: Any) -> Any:
        made = log_quickly(*words, **named)
        seen.extend(list_models(store).problems)
        registry.settle(store, NAME, said.append)
        return made

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(registry, "log_model", looks)
        registry.register_champion(store, registration(store, tmp_path), "it is better")
    assert len(seen) == len(said) == 1
    assert "it is being made now" in seen[0] and "left alone" in said[0]
    nothing_new(store)


def test_a_registry_without_rights_is_one_line_before_anything_is_opened(tmp_path: Path) -> None:
    with forbidding() as uri, pytest.raises(StoreError, match="Permission denied") as caught:
        registry.refuse_without_rights(open_store(tmp_path, uri), NAME)
    assert "\n" not in str(caught.value) and not list(tmp_path.rglob("promotions.jsonl"))


def test_a_store_that_is_only_read_is_one_line(
    store: TrackingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # MLflow makes the folders `file:/...` of such an address.
    file = store.root / "mlflow.db"
    reading = open_store(tmp_path, f"sqlite:///file:{file}?mode=ro&uri=true")
    with pytest.raises(StoreError, match="readonly database") as caught:
        registry.refuse_without_rights(reading, NAME)
    assert "\n" not in str(caught.value) and "may be read and not written here" in str(caught.value)


@pytest.mark.wide
def test_asking_for_rights_leaves_no_empty_model(store: TrackingStore, tmp_path: Path) -> None:
    registry.refuse_without_rights(store, NAME)
    assert list_models(store).versions == () and not store.client.search_registered_models()
    registry.register_champion(store, registration(store, tmp_path), "it is better")
    registry.refuse_without_rights(store, NAME)
    nothing_new(store)


def delete_version(store: TrackingStore, run_id: str) -> None:
    store.client.delete_model_version(NAME, "1")


def delete_model(store: TrackingStore, run_id: str) -> None:
    store.client.delete_registered_model(NAME)


def take_alias(store: TrackingStore, run_id: str) -> None:
    store.client.delete_registered_model_alias(NAME, "champion")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        pytest.param(delete_version, "it is gone: promote a run again", marks=pytest.mark.wide),
        (delete_model, "it is gone: promote a run again"),
        pytest.param(take_alias, "it lost its alias: promote a run again", marks=pytest.mark.wide),
    ],
)
def test_a_champion_that_is_lost_is_noticed(
    store: TrackingStore,
    tmp_path: Path,
    damage: Callable[[TrackingStore, str], None],
    said: str,
) -> None:
    asked = registration(store, tmp_path)
    registry.register_champion(store, asked, "it is better")
    damage(store, asked.run_id)
    assert champion(store, NAME) is None
    lost = unlike_ledger(store, read_ledger(store), NAME)
    assert lost is not None and "by the ledger, version 1 of spine-vertebrae" in lost
    assert said in lost and lost in list_models(store).problems
    with pytest.raises(StoreError, match="by the ledger, version 1 of"):
        model_version(store, NAME)


def test_a_version_whose_run_or_weights_are_gone_is_named_and_not_rolled_back_to(
    store: TrackingStore, tmp_path: Path
) -> None:
    first, second = (registration(store, tmp_path, run=name) for name in "ab")
    for asked in (first, second, registration(store, tmp_path)):
        registry.register_champion(store, asked, "it is better")
    store.client.delete_run(first.run_id)
    (artifact(store, "2", "artifacts/best.pt")).unlink()
    states = {version.version: version.state for version in list_models(store).versions}
    assert f"mlflow runs restore --run-id {first.run_id}" in states["1"]
    assert "its weights are gone" in states["2"] and states["3"] == "whole"
    assert "its run is deleted" in model_version(store, f"{NAME}/1").note
    for version, said in (("1", "its run is deleted"), ("2", "its weights are gone")):
        with pytest.raises(StoreError, match=rf"{said}.*; name another version"):
            registry.rollback(store, NAME, version, "back")
    assert alias_version(store, NAME) == "3" and len(read_ledger(store).entries) == 3
    store.client.restore_run(first.run_id)
    registry.rollback(store, NAME, "1", "version 3 misses L5")
    last = read_ledger(store).entries[-1]
    assert (last.action, last.replaces, last.why) == ("rollback", "3", "version 3 misses L5")
    assert last.evidence_sha256 == read_ledger(store).entries[0].evidence_sha256


def test_versions_registered_by_hand_are_called_so(store: TrackingStore, tmp_path: Path) -> None:
    registry.register_champion(store, registration(store, tmp_path), "it is better")
    source = store.client.get_model_version(NAME, "1").source
    store.client.create_model_version(NAME, source)  # As MLflow's pages do: without run and tags.
    store.client.create_model_version(NAME, source, run_id=tracked_run(store))
    store.client.set_registered_model_alias(NAME, "champion", "3")
    states = {version.version: version.state for version in list_models(store).versions}
    assert "registered by hand" in states["2"] and "registered by hand" in states["3"]
    assert "the ledger does not tell of it" in states["3"] and states["1"] == "whole"


def test_requirements_install_on_another_machine() -> None:
    from packaging.requirements import Requirement

    found = [Requirement(line) for line in requirements("yolo11n-seg")]
    assert {"torch", "ultralytics-opencv-headless"} <= {requirement.name for requirement in found}
    for requirement in found:
        (pinned,) = requirement.specifier
        assert pinned.operator == "==" and "+" not in pinned.version


def test_a_card_too_long_for_a_description_says_where_the_rest_is() -> None:
    card = "word " * 2000 + "\n" + "line\n" * 1000
    text = description_of("line\n" * 1500)
    assert len(text) <= 5000 and text.endswith("`model-card.md` among the model's files.")
    assert len(description_of(card)) <= 5000 and description_of("short") == "short"
