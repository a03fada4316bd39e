"""The registry: versions by name, alias and number; weights by hash; promotions in a ledger."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from exports import write_export
from merged_data import first_film
from registry_cases import LEARNT, fresh_store, register_file, weights_of

from spineseg.errors import ConfigError, SpinesegError, StoreError
from spineseg.files import sha256_of
from spineseg.places import Caches
from spineseg.prediction.network_file import write_network
from spineseg.tracking.ledger import read_ledger
from spineseg.tracking.model_versions import alias_version, champion, model_version, model_weights
from spineseg.tracking.registry import Registration, register_champion, rollback
from spineseg.tracking.store import TrackingStore, open_existing_store
from spineseg.training.weights import bundled_weights


@pytest.fixture
def store(tmp_path: Path, empty_stores: Path) -> TrackingStore:
    """An empty store of its own."""
    return fresh_store(tmp_path / "mlruns", empty_stores)


def one_line(error: SpinesegError) -> str:
    assert "\n" not in str(error)
    return str(error)


def fetched(store: TrackingStore, selector: str = "spine-vertebrae") -> Path:
    cache = Caches(store.root).models
    path, sha256 = model_weights(store, model_version(store, selector), cache)
    assert path.parent == cache and path.stem == sha256 == sha256_of(path)
    assert path.suffix in (".safetensors", ".pt")
    assert [other for other in cache.iterdir() if other.name.startswith(".")] == []
    return path


@pytest.fixture(scope="module")
def promoted(
    tmp_path_factory: pytest.TempPathFactory, empty_stores: Path
) -> tuple[TrackingStore, str]:
    """A store whose champion was registered whole, as a promotion does it; and its run."""
    folder = tmp_path_factory.mktemp("promoted")
    store = fresh_store(folder / "mlruns", empty_stores)
    experiment = store.client.create_experiment(
        "study", (store.root / "artifacts" / "study").resolve().as_uri()
    )
    run = str(store.client.create_run(experiment).info.run_id)
    store.client.log_param(run, "image_size_px", 224)
    store.client.set_terminated(run, "FINISHED", 1_700_000_100_000)
    film = first_film(write_export(folder / "export", {"train": 1}))
    asked = Registration(
        run_id=run,
        weights=bundled_weights(),
        model_name="spine-vertebrae",
        image_size_px=224,
        numbering=LEARNT,
        evidence={"study": "small", "run": "no-flips", "synthetic": True, "test": {"a": 0.5}},
        example=film.read_bytes(),
    )
    assert register_champion(store, asked, "it is better") == "1"
    return store, run


def test_a_promoted_version_carries_what_it_needs(promoted: tuple[TrackingStore, str]) -> None:
    store, run = promoted
    model, holder = model_version(store, "spine-vertebrae"), champion(store, "spine-vertebrae")
    assert holder is not None
    assert (model.version, model.run_id, model.image_size_px) == ("1", run, 224)
    assert model.numbering == holder.numbering == LEARNT and holder.evidence["test"] == {"a": 0.5}
    assert model.weights_sha256 == sha256_of(fetched(store)) and model.note == ""
    of_then = store.client.get_run(run)
    assert of_then.info.status == "FINISHED" and of_then.info.end_time == 1_700_000_100_000
    assert of_then.data.params == {"image_size_px": "224"}
    assert [model.model_id for model in of_then.outputs.model_outputs]
    (line,) = (store.root / "promotions.jsonl").read_text().splitlines()
    entry = json.loads(line)
    assert (entry["version"], entry["replaces"], entry["why"]) == ("1", None, "it is better")


def test_its_weights_are_those_that_were_registered(
    promoted: tuple[TrackingStore, str], tmp_path: Path
) -> None:
    store, _ = promoted
    write_network(bundled_weights(), tmp_path / "w.safetensors")
    assert fetched(store).read_bytes() == (tmp_path / "w.safetensors").read_bytes()


def test_nothing_that_is_registered_is_pickled(promoted: tuple[TrackingStore, str]) -> None:
    store, _ = promoted
    (kept,) = (store.root / "artifacts").rglob("artifacts/weights.safetensors")
    suffixes = {path.suffix for path in kept.parent.parent.rglob("*") if path.is_file()}
    assert not suffixes & {".pkl", ".pickle", ".pth", ".joblib"}
    outside_the_code = [p for p in kept.parent.parent.rglob("*.pt") if "code" not in p.parts]
    assert outside_the_code == []


@pytest.mark.parametrize(
    ("selector", "version"),
    [("m", "2"), ("m@champion", "2"), ("m@old", "1"), ("m/1", "1"), ("m/3", "3")],
)
def test_a_version_is_named_by_alias_or_number(
    store: TrackingStore, tmp_path: Path, selector: str, version: str
) -> None:
    for content, alias in ((b"one", "old"), (b"two", "champion"), (b"three", None)):
        register_file(store, weights_of(tmp_path, content), name="m", alias=alias)
    assert model_version(store, selector).version == version
    words = {"1": b"one", "2": b"two", "3": b"three"}
    assert fetched(store, selector).read_bytes() == words[version]


@pytest.mark.parametrize("selector", ["a@", "@champion", "a/0", "a/b/c", "a@b@c", "", "/1", "a/v1"])
def test_a_selector_of_another_form_is_told_what_it_must_be(
    store: TrackingStore, selector: str
) -> None:
    with pytest.raises(ConfigError, match="must be NAME, NAME@ALIAS or NAME/VERSION") as caught:
        model_version(store, selector)
    assert repr(selector) in one_line(caught.value)


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        ("nothing", "has no model 'nothing'; it has m, none-yet; promote"),
        ("m@staging", "no alias 'staging'; it has versions 1, 2 and aliases champion, old;"),
        ("m/7", "has no version 7; it has 1, 2; name one of them"),
        ("none-yet", "has no alias 'champion'; it has no version; name"),
        ("none-yet/1", "has no version 1; it has none; name"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(
    store: TrackingStore, tmp_path: Path, selector: str, said: str
) -> None:
    for content, alias in ((b"one", "old"), (b"two", "champion")):
        register_file(store, weights_of(tmp_path, content), name="m", alias=alias)
    store.client.create_registered_model("none-yet")
    with pytest.raises(StoreError) as caught:
        model_version(store, selector)
    assert said in one_line(caught.value) and store.uri in str(caught.value)


def test_a_deleted_champion_is_no_champion(store: TrackingStore, tmp_path: Path) -> None:
    register_file(store, weights_of(tmp_path, b"one"))
    store.client.delete_model_version("spine-vertebrae", "1")
    assert champion(store, "spine-vertebrae") is None
    with pytest.raises(StoreError, match="has no alias 'champion'; it has no version;"):
        model_version(store, "spine-vertebrae")


def test_a_new_version_1_after_a_lost_store_does_not_give_the_old_weights(
    store: TrackingStore, tmp_path: Path, empty_stores: Path
) -> None:
    register_file(store, weights_of(tmp_path, b"old"))
    assert fetched(store).read_bytes() == b"old"
    again = fresh_store(store.root, empty_stores)  # The database is lost, the caches are not.
    assert register_file(again, weights_of(tmp_path, b"new")) == "1"
    assert fetched(again).read_bytes() == b"new"


def test_weights_are_fetched_once(store: TrackingStore, tmp_path: Path) -> None:
    register_file(store, weights_of(tmp_path, b"one"))
    first = fetched(store)
    shutil.rmtree(store.root / "artifacts")
    assert fetched(store) == first


def test_a_damaged_copy_is_fetched_again(store: TrackingStore, tmp_path: Path) -> None:
    register_file(store, weights_of(tmp_path, b"one"))
    fetched(store).write_bytes(b"torn")
    assert fetched(store).read_bytes() == b"one"


def test_weights_that_are_not_what_the_version_says_are_refused(
    store: TrackingStore, tmp_path: Path
) -> None:
    register_file(store, weights_of(tmp_path, b"one"), tags={"weights_sha256": "ab" * 32})
    with pytest.raises(StoreError, match="its tag weights_sha256 says abababababab; ") as caught:
        fetched(store)
    assert "version 1" in one_line(caught.value)
    assert list(Caches(store.root).models.iterdir()) == []


def test_lost_artifacts_are_one_line(store: TrackingStore, tmp_path: Path) -> None:
    register_file(store, weights_of(tmp_path, b"one"))
    shutil.rmtree(store.root / "artifacts")
    with pytest.raises(StoreError, match=r"version 1 .* it holds 0; put") as caught:
        fetched(store)
    one_line(caught.value)
    assert list(Caches(store.root).models.iterdir()) == []


def test_a_version_from_before_hashes_were_kept_is_fetched_each_time(
    store: TrackingStore, tmp_path: Path
) -> None:
    register_file(store, weights_of(tmp_path, b"one"), without=("weights_sha256",))
    first = fetched(store)
    artifact = next((store.root / "artifacts").rglob("best.pt"))
    artifact.write_bytes(b"other")
    assert fetched(store) != first and first.read_bytes() == b"one"


@pytest.mark.parametrize("tag", ["image_size_px", "numbering"])
def test_a_version_registered_by_hand_is_told_what_it_lacks(
    store: TrackingStore, tmp_path: Path, tag: str
) -> None:
    register_file(store, weights_of(tmp_path, b"one"), without=(tag,))
    for ask in (model_version, champion):
        with pytest.raises(StoreError, match=rf"version 1 .* has no tag {tag}, .*add the tag"):
            ask(store, "spine-vertebrae")


@pytest.mark.parametrize(
    ("tag", "value"),
    [("image_size_px", "large"), ("numbering", '{"spans": {}}'), ("evidence", "{")],
)
def test_a_tag_that_cannot_be_read_is_one_line(
    store: TrackingStore, tmp_path: Path, tag: str, value: str
) -> None:
    register_file(store, weights_of(tmp_path, b"one"), tags={tag: value})
    with pytest.raises(StoreError, match=f"its tag {tag} is ") as caught:
        champion(store, "spine-vertebrae")
    assert value in one_line(caught.value)


def test_a_champion_by_hand_can_be_rolled_back_from(store: TrackingStore, tmp_path: Path) -> None:
    register_file(store, weights_of(tmp_path, b"one"))
    register_file(store, weights_of(tmp_path, b"two"), without=("numbering", "image_size_px"))
    rollback(store, "spine-vertebrae", "1", "by hand it was a mistake")
    assert alias_version(store, "spine-vertebrae") == "1"
    (entry,) = read_ledger(store).entries
    assert (entry.action, entry.replaces, entry.why) == (
        "rollback",
        "2",
        "by hand it was a mistake",
    )


def test_without_a_champion_there_is_none(store: TrackingStore) -> None:
    assert champion(store, "nothing") is None and alias_version(store, "nothing") is None
    with pytest.raises(StoreError, match="no version 3; it has none"):
        rollback(store, "nothing", "3", "no reason")
    assert not (store.root / "promotions.jsonl").exists()


@pytest.mark.parametrize("uri", [None, "sqlite:///{folder}/gone.db"])
def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, uri: str | None) -> None:
    with pytest.raises(StoreError, match="there is no tracking store; name a folder") as caught:
        open_existing_store(tmp_path, uri and uri.format(folder=tmp_path))
    one_line(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_store_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("no database")
    with pytest.raises(StoreError) as caught:
        open_existing_store(tmp_path, None)
    one_line(caught.value)
    assert (tmp_path / "mlflow.db").read_text() == "no database"
