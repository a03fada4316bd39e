"""What a registered model is made of: weights, code, signature, an example, requirements."""

from __future__ import annotations

import tempfile
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import mlflow
from mlflow.models import ModelSignature
from mlflow.types.schema import ColSpec, Schema

from spineseg.files import sha256_of
from spineseg.prediction.network_file import SAFE, write_network
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.tracking.model_versions import SHA256
from spineseg.tracking.store import TrackingStore

CONFIDENCE = 0.25
_SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec("string", "image")]),
    outputs=Schema(
        [
            ColSpec("long", "image"),
            ColSpec("string", "level"),
            ColSpec("double", "confidence"),
            ColSpec("string", "polygon"),
        ]
    ),
)
_REQUIREMENTS = (
    "ultralytics-opencv-headless",
    "torch",
    "torchvision",
    "safetensors",
    "pycocotools",
    "pydantic",
)


def log_model(
    store: TrackingStore,
    run_id: str,
    weights: Path,
    image_size_px: int,
    numbering: NumberingModel,
    example: str,
) -> Any:
    """Log the weights of `run_id`, with all that serving them needs, as a model of that run.

    The weights become a file that holds nothing that runs; its SHA-256 is in the model's metadata
    under the name of the version's tag. Raises WeightsError for weights that are no network.
    """
    import pandas as pd

    package = Path(__file__).parent.parent
    with (
        tempfile.TemporaryDirectory() as folder,
        mlflow.start_run(run_id=run_id, log_system_metrics=False),
    ):
        safe = Path(folder) / f"weights{SAFE}"
        write_network(weights, safe)
        status = store.client.get_run(run_id).info.status
        model = mlflow.pyfunc.log_model(
            name="vertebrae",
            python_model=str(Path(__file__).with_name("flavor.py")),
            artifacts={"weights": str(safe)},
            model_config={
                "image_size_px": image_size_px,
                "confidence": CONFIDENCE,
                "numbering": numbering.model_dump(),
            },
            signature=_SIGNATURE,
            input_example=pd.DataFrame({"image": [example]}),
            pip_requirements=[f"{name}=={installed(name)}" for name in _REQUIREMENTS],
            code_paths=[str(package)],
            metadata={SHA256: sha256_of(safe)},
        )
    if status != "RUNNING":
        store.client.set_terminated(run_id, status)
    return model
