"""What a registered model is made of: weights, code, signature, an example, requirements."""

from __future__ import annotations

from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities import LoggedModelOutput
from mlflow.models import ModelSignature
from mlflow.types.schema import ColSpec, Schema

from spineseg.prediction.numbering.model import NumberingModel
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
_REQUIREMENTS = ("ultralytics-opencv-headless", "torch", "torchvision", "pycocotools", "pydantic")


def log_model(
    store: TrackingStore,
    run_id: str,
    weights: Path,
    image_size_px: int,
    numbering: NumberingModel,
    example: str,
) -> Any:
    """Log the weights of `run_id`, with all that serving them needs, as a model of that run."""
    import pandas as pd

    package = Path(__file__).parent.parent
    run = store.client.get_run(run_id)
    # Logged as a model of the run, but not within it: an ended run keeps its end, and its params.
    made = store.client.create_logged_model(
        run.info.experiment_id, "vertebrae", source_run_id=run_id, params=run.data.params
    )
    model = mlflow.pyfunc.log_model(
        name="vertebrae",
        model_id=made.model_id,
        python_model=str(Path(__file__).with_name("flavor.py")),
        artifacts={"weights": str(weights)},
        model_config={
            "image_size_px": image_size_px,
            "confidence": CONFIDENCE,
            "numbering": numbering.model_dump(),
        },
        signature=_SIGNATURE,
        input_example=pd.DataFrame({"image": [example]}),
        pip_requirements=[f"{name}=={installed(name)}" for name in _REQUIREMENTS],
        code_paths=[str(package)],
    )
    store.client.log_outputs(run_id, [LoggedModelOutput(made.model_id, step=0)])
    return model
