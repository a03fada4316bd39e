"""Which weights are used, at what size, and how they number."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mlflow_server import Server, free_port
from registry_cases import LEARNT, fresh_store, register_file, weights_of
from run_folders import make_job

from spineseg.chosen_model import Asked, Chosen, chosen_model
from spineseg.config.training import TrainConfig
from spineseg.errors import ConfigError, RecordError, SpinesegError, StoreError, WeightsError
from spineseg.export import export_network
from spineseg.files import sha256_of
from spineseg.job import JOB_FILE
from spineseg.tracking.store import TrackingStore, open_store
from spineseg.training.weights import bundled_weights

CONFIG = """
name: small
data: {sources: [{kind: local, path: export}]}
baseline: {weights: random, optimizer: AdamW}
store: {root: ROOT, mlflow_uri: URI}
"""


@pytest.fixture
def store(tmp_path: Path, empty_stores: Path) -> TrackingStore:
    """A store whose champion is a stand-in; `other` lies beside the default place."""
    store = fresh_store(tmp_path / "other", empty_stores)
    register_file(store, weights_of(tmp_path, b"champion"))
    return store


def one_line(error: SpinesegError) -> str:
    assert "\n" not in str(error)
    return str(error)


def content(chosen: Chosen) -> bytes:
    assert sha256_of(chosen.path) == chosen.sha256
    return chosen.path.read_bytes()


def test_the_word_bundled_means_the_weights_that_come_with_the_project() -> None:
    named, file = (chosen_model(Asked(weights=w)) for w in ("bundled", bundled_weights()))
    assert named == file and named.synthetic is True


def test_a_copy_of_the_bundled_weights_is_known_to_be_synthetic(tmp_path: Path) -> None:
    chosen = chosen_model(Asked(weights=shutil.copy(bundled_weights(), tmp_path / "mine.pt")))
    assert chosen.label == "mine.pt" and chosen.synthetic is True


def test_exported_weights_number_as_the_model_that_they_are_of(
    store: TrackingStore, tmp_path: Path
) -> None:
    register_file(store, bundled_weights(), image_size_px=224, tags={"synthetic": "false"})
    asked = Asked(store="other", numbering="argmax")
    export_network(asked, [], out=tmp_path / "w.safetensors", opset=17, say=print)
    model, file = chosen_model(asked), chosen_model(Asked(weights=tmp_path / "w.safetensors"))
    assert file.numbering == model.numbering == LEARNT.model_copy(update={"numbering": "argmax"})
    assert file.synthetic is model.synthetic is False


def test_a_file_from_elsewhere_numbers_whole_columns_of_which_it_knows_nothing() -> None:
    chosen = chosen_model(Asked(weights=bundled_weights()))
    assert chosen.path == bundled_weights() and chosen.image_size_px == 224
    assert chosen.as_json() == {
        "sha256": sha256_of(bundled_weights()),
        "file": str(bundled_weights()),
        "label": "bundled weights",
        "synthetic": True,
        "trained_on": "synthetic X-rays only",
        "image_size_px": 224,
        "numbering": "sequence",
        "transitional": False,
        "columns_learnt": False,
    }
    assert chosen.text() == (
        f"weights {chosen.sha256[:12]} ({bundled_weights()}), 224 px, levels by whole columns "
        "(nothing learnt of them)"
    )


@pytest.mark.parametrize("numbering", ["argmax", "sequence"])
def test_weights_in_a_runs_folder_number_as_its_job_says(tmp_path: Path, numbering: str) -> None:
    model = LEARNT.model_copy(update={"numbering": numbering})
    best = run_folder(tmp_path, numbering=model, config=TrainConfig(image_size_px=96))
    chosen = chosen_model(Asked(weights=best))
    assert chosen.numbering == model and chosen.image_size_px == 96
    through_a_link = tmp_path / "linked.pt"
    through_a_link.symlink_to(best)
    assert chosen_model(Asked(weights=through_a_link)).numbering == model


def run_folder(tmp_path: Path, **job: object) -> Path:
    """Write a run's folder with its job and weights; return the weights."""
    folder = tmp_path / "000-baseline"
    make_job(**job).write(folder)
    best = folder / "train" / "weights" / "best.pt"
    best.parent.mkdir(parents=True)
    shutil.copy(bundled_weights(), best)
    return best


@pytest.mark.parametrize("job", ["{", '{"format": 1}'])
def test_a_job_that_cannot_be_read_is_told_and_not_passed_over(tmp_path: Path, job: str) -> None:
    best = run_folder(tmp_path)
    (tmp_path / "000-baseline" / JOB_FILE).write_text(job)
    with pytest.raises(RecordError, match="or copy the weights out of the run's folder") as caught:
        chosen_model(Asked(weights=best))
    one_line(caught.value)


def test_the_way_of_numbering_is_overridden_and_what_is_known_of_columns_kept(
    store: TrackingStore,
) -> None:
    chosen = chosen_model(Asked(model="spine-vertebrae", store="other", numbering="argmax"))
    assert chosen.numbering == LEARNT.model_copy(update={"numbering": "argmax"})
    assert chosen.text().endswith("levels one by one")
    size = chosen_model(Asked(model="spine-vertebrae", store="other", image_size_px=128))
    assert size.image_size_px == 128 and size.numbering == LEARNT


@pytest.mark.parametrize("named", ["folder", "address", "config", "config's address"])
def test_a_registered_model_comes_from_any_store(
    store: TrackingStore, tmp_path: Path, named: str
) -> None:
    root = "other" if named == "config" else "mlruns"
    uri = store.uri if named == "config's address" else "null"
    Path("small.yaml").write_text(CONFIG.replace("ROOT", root).replace("URI", uri))
    asked = {
        "folder": Asked(model="spine-vertebrae", store="other"),
        "address": Asked(model="spine-vertebrae/1", store=store.uri),
        "config": Asked(model="spine-vertebrae@champion", config=Path("small.yaml")),
        "config's address": Asked(model="spine-vertebrae", config=Path("small.yaml")),
    }[named]
    chosen = chosen_model(asked)
    assert content(chosen) == b"champion" and chosen.image_size_px == 64
    assert chosen.numbering == LEARNT
    assert chosen.source["model"] == "spine-vertebrae" and chosen.source["version"] == "1"
    assert chosen.source["store"].endswith("other/mlflow.db")
    assert "model spine-vertebrae version 1 of sqlite:" in chosen.text()
    assert chosen.text().endswith("by whole columns (as learnt from training films)")


def test_a_model_whose_run_is_deleted_is_used_and_said(store: TrackingStore) -> None:
    run_id = str(store.client.get_model_version("spine-vertebrae", "1").run_id)
    store.client.delete_run(run_id)
    chosen = chosen_model(Asked(model="spine-vertebrae", store="other"))
    assert content(chosen) == b"champion"
    said = f"; its run is deleted; bring it back with `mlflow runs restore --run-id {run_id}`"
    assert chosen.text().endswith(said) and chosen.as_json()["note"] in said


def test_a_store_that_is_named_goes_before_the_configs(
    store: TrackingStore, tmp_path: Path
) -> None:
    Path("small.yaml").write_text(CONFIG.replace("ROOT", "nowhere").replace("URI", "null"))
    config = Path("small.yaml")
    assert content(chosen_model(Asked(model="spine-vertebrae", store="other", config=config)))
    sets = ("store.root=other",)
    assert content(chosen_model(Asked(model="spine-vertebrae", config=config, sets=sets)))
    assert not Path("nowhere").exists()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"weights": Path("a.pt"), "model": "b"}, "--weights a.pt and --model b are both given"),
        ({"weights": "bundled", "run": "a/b"}, "--weights bundled and --run a/b are both given"),
        ({"run": "a/b", "store": "http://host:1"}, "name a folder of records, as mlruns, or"),
        ({"weights": Path("a.pt"), "store": "b"}, "leave one of them out"),
        ({"model": "b", "sets": ("store.root=x",)}, "name it with --config"),
    ],
)
def test_a_choice_that_contradicts_itself_is_refused(asked: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        Asked(**asked)
    one_line(caught.value)


@pytest.mark.parametrize(
    ("store_named", "said"),
    [
        (None, "there is no tracking store"),
        ("gone", "is neither a folder nor an address"),
        ("localhost:5000", "is neither a folder nor an address"),
        (".", "there is no tracking store"),
        ("sqlite:///gone.db", "there is no tracking store"),
    ],
)
def test_a_store_that_is_not_there_is_one_line_and_not_made(
    tmp_path: Path, store_named: str | None, said: str
) -> None:
    with pytest.raises(StoreError, match=said) as caught:
        chosen_model(Asked(model="spine-vertebrae", store=store_named))
    one_line(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_does_not_answer_is_one_line_without_its_password(tmp_path: Path) -> None:
    uri = f"http://me:hush@127.0.0.1:{free_port()}"
    with pytest.raises(StoreError, match="tracking store http") as caught:
        chosen_model(Asked(model="spine-vertebrae", store=uri))
    assert "hush" not in one_line(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_network_is_one_line(tmp_path: Path) -> None:
    for path, said in ((weights_of(tmp_path, b"text"), "no Ultralytics"), (tmp_path, "no such")):
        with pytest.raises(WeightsError, match=said) as caught:
            chosen_model(Asked(weights=path))
        one_line(caught.value)


@pytest.mark.wide
def test_a_server_gives_its_models_too(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.start()
    try:
        there = open_store(tmp_path / "mlruns", server.uri)
        register_file(there, weights_of(tmp_path, b"served"))
        assert content(chosen_model(Asked(model="spine-vertebrae", store=server.uri))) == b"served"
        with pytest.raises(StoreError, match="has no version 2; it has 1"):
            chosen_model(Asked(model="spine-vertebrae/2", store=server.uri))
    finally:
        server.kill()
