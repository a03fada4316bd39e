"""What a registered model is made of: weights, code, signature, an example, requirements."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from importlib.metadata import version as installed
from pathlib import Path

import mlflow
from mlflow.entities import LoggedModelOutput
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.models.model import ModelInfo
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
    example: bytes,
    *,
    params: dict[str, str] | None = None,
    tags: dict[str, str] | None = None,
) -> ModelInfo:
    """Log the weights of `run_id`, with all that serving them needs, as a model of that run.

    The weights become a file that holds nothing that runs; its SHA-256 is in the model's metadata
    under the name of the version's tag. The run is not opened again: its end stays what it was.
    What fails leaves no model. Raises WeightsError for weights that are no network.
    """
    import pandas as pd

    experiment = store.client.get_run(run_id).info.experiment_id
    begun = store.client.create_logged_model(experiment, "vertebrae", run_id, tags, params)
    try:
        with tempfile.TemporaryDirectory(prefix="spineseg-") as folder:
            safe = Path(folder) / f"weights{SAFE}"
            write_network(weights, safe)
            model = mlflow.pyfunc.log_model(
                model_id=begun.model_id,
                name="vertebrae",
                python_model=str(Path(__file__).with_name("flavor.py")),
                artifacts={"weights": str(safe)},
                model_config={
                    "image_size_px": image_size_px,
                    "confidence": CONFIDENCE,
                    "numbering": numbering.model_dump(),
                },
                signature=_SIGNATURE,
                input_example=pd.DataFrame({"image": [base64.b64encode(example).decode()]}),
                pip_requirements=requirements(),
                code_paths=[str(Path(__file__).parent.parent)],
                metadata={SHA256: sha256_of(safe)},
            )
        store.client.log_outputs(run_id, [LoggedModelOutput(begun.model_id, step=0)])
    except BaseException:
        with suppress(MlflowException):
            store.client.delete_logged_model(begun.model_id)
        raise
    return model


def requirements() -> list[str]:
    """Return what serving needs, at the versions of here, as any machine can install it.

    A local build's tag, `torch==2.14.1+cpu`, names a build that no public index has.
    """
    return [f"{name}=={installed(name).partition('+')[0]}" for name in _REQUIREMENTS]
