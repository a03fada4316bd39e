"""Versions of a registered model made in a moment: any file as weights, tags as told."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from spineseg.files import sha256_of
from spineseg.prediction.numbering.columns import Columns
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.tracking.model_versions import ALIAS
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
