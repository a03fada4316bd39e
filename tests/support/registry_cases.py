"""Versions of a registered model made in a moment: any file as weights, tags as told."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mlflow.entities import Dataset, DatasetInput

from spineseg.files import sha256_of
from spineseg.prediction.numbering.model import Columns, NumberingModel
from spineseg.tracking.model_versions import ALIAS
from spineseg.tracking.registration import Registration
from spineseg.tracking.store import TrackingStore, experiment_id, open_store

LEARNT = NumberingModel(numbering="sequence", columns=Columns(spans={"T1-L5": 1.0}))


def register_file(
    store: TrackingStore,
    weights: Path,
    *,
    name: str = "spine-vertebrae",
    image_size_px: int = 64,
    numbering: NumberingModel = LEARNT,
    alias: str | None = ALIAS,
    without: tuple[str, ...] = (),
    tags: dict[str, str] | None = None,
) -> str:
    """Register a file as `register_champion` does a network, but unchecked; return the version.

    `without` names tags to leave out, `tags` are set in place of its own.
    """
    run = store.client.create_run(experiment_id(store, "registered"))
    with tempfile.TemporaryDirectory() as folder:
        best = Path(shutil.copy(weights, Path(folder) / "best.pt"))
        store.client.log_artifact(run.info.run_id, str(best), "model/artifacts")
    if not any(model.name == name for model in store.client.search_registered_models()):
        store.client.create_registered_model(name)
    made = store.client.create_model_version(
        name, f"{run.info.artifact_uri}/model", run_id=run.info.run_id
    )
    whole = {
        "image_size_px": str(image_size_px),
        "numbering": numbering.model_dump_json(),
        "evidence": "{}",
        "weights_sha256": sha256_of(weights),
    }
    for key, value in (whole | (tags or {})).items():
        if key not in without:
            store.client.set_model_version_tag(name, made.version, key, value)
    if alias is not None:
        store.client.set_registered_model_alias(name, alias, made.version)
    return str(made.version)


def fresh_store(root: Path, empty_stores: Path) -> TrackingStore:
    """Return an empty store under `root`, in place of one that may be there."""
    root.mkdir(exist_ok=True)
    shutil.copy(empty_stores / "mlflow.db", root / "mlflow.db")
    return open_store(root, None)


def weights_of(folder: Path, content: bytes) -> Path:
    """Write a file that stands in for weights."""
    path = folder / f"{content.decode()}.pt"
    path.write_bytes(content)
    return path


def tracked_run(store: TrackingStore, experiment: str = "study") -> str:
    """Return an ended run with scores and data, as a projected training has them."""
    run = store.client.create_run(experiment_id(store, experiment), run_name="no-flips")
    run_id = str(run.info.run_id)
    for name, value in (("score", 0.81), ("best/mask_map50", 0.9), ("test/mask_map50", 0.7)):
        store.client.log_metric(run_id, name, value, timestamp=5000, step=3)
    store.client.log_metric(run_id, "epochs", 3, timestamp=5000, step=3)
    data = Dataset("films", "abcdef012345", "local", "here", profile="{}")
    store.client.log_inputs(run_id, [DatasetInput(data)])
    store.client.set_terminated(run_id, "FINISHED", 9000)
    return run_id


def registration(store: TrackingStore, folder: Path, **changed: Any) -> Registration:
    """Return what a promotion registers, of a stand-in for weights."""
    evidence: dict[str, Any] = {
        "study": "small",
        "run": "no-flips",
        "synthetic": True,
        "objective": "mask_map50",
        "metrics": {"best/mask_map50": 0.9},
        "test_metrics": {"test/mask_map50": 0.7},
    }
    asked = Registration(
        run_id=changed.pop("run_id", None) or tracked_run(store),
        weights=weights_of(folder, changed.pop("content", b"best")),
        model_name="spine-vertebrae",
        image_size_px=64,
        numbering=LEARNT,
        evidence=evidence | changed,
        example=b"a film",
    )
    return asked


def log_quickly(
    store: TrackingStore, run_id: str, weights: Path, *_: Any, params: Any, tags: Any, **_named: Any
) -> Any:
    """Stand in for `log_model`: the weights alone, without a package that is tried out."""
    experiment = store.client.get_run(run_id).info.experiment_id
    model = store.client.create_logged_model(experiment, "vertebrae", run_id, tags, params)
    if model.artifact_location.startswith("file:"):  # Past the client, whose calls tests make fail.
        folder = Path(model.artifact_location.removeprefix("file://")) / "artifacts"
        folder.mkdir(parents=True)
        shutil.copy(weights, folder)
    else:
        store.client.log_model_artifact(model.model_id, str(weights), "artifacts")
    store.client.finalize_logged_model(model.model_id, "READY")
    return SimpleNamespace(model_id=model.model_id, metadata={"weights_sha256": sha256_of(weights)})
