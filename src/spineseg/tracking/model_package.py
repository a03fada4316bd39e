"""What a registered model is made of: weights, code, signature, an example, requirements."""

from __future__ import annotations

import io
import shutil
import tempfile
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import mlflow
from mlflow.models import ModelSignature
from mlflow.types.schema import ColSpec, ParamSchema, ParamSpec, Schema
from PIL import Image

from spineseg.phantom.film import render_film
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.tracking.store import TrackingStore

CONFIDENCE = 0.25
_EXAMPLE_PX = 224
_SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec("binary", "image")]),
    outputs=Schema(
        [
            ColSpec("long", "film"),
            ColSpec("long", "width", required=False),
            ColSpec("long", "height", required=False),
            ColSpec("string", "spacing"),
            ColSpec("string", "vertebrae"),
            ColSpec("string", "numbering"),
            ColSpec("string", "model"),
            ColSpec("boolean", "synthetic", required=False),
            ColSpec("string", "error"),
        ]
    ),
    params=ParamSchema([ParamSpec("confidence", "double", None)]),
)
_REQUIREMENTS = (
    "mlflow",
    "numpy",
    "opencv-python-headless",
    "pandas",
    "pillow",
    "pycocotools",
    "pydantic",
    "pydicom",
    "pylibjpeg",
    "pylibjpeg-libjpeg",
    "pylibjpeg-openjpeg",
    "pyyaml",
    "safetensors",
    "torch",
    "torchvision",
    "ultralytics-opencv-headless",
)
CODE = (
    "__init__.py",
    "column_order.py",
    "config/__init__.py",
    "config/model.py",
    "config/numbering.py",
    "decoding",
    "errors.py",
    "files.py",
    "films.py",
    "levels.py",
    "metrics.py",
    "prediction",
    "process_setup.py",
)
"""The part of the package that answering needs, as it lies in its folder."""


def example_film() -> bytes:
    """Return a small synthetic film as PNG: no person's film goes out as an example."""
    out = io.BytesIO()
    Image.fromarray(render_film("frontal", _EXAMPLE_PX, 1).pixels).save(out, format="PNG")
    return out.getvalue()


def log_model(
    store: TrackingStore,
    run_id: str,
    weights: Path,
    image_size_px: int,
    numbering: NumberingModel,
    example: bytes,
    *,
    synthetic: bool | None = None,
) -> Any:
    """Log the weights of `run_id`, with all that serving them needs, as a model of that run.

    `example` is a film's file. `synthetic` says whether it learnt from synthetic films; None where
    nobody knows.
    """
    import pandas as pd

    with (
        mlflow.start_run(run_id=run_id, log_system_metrics=False),
        tempfile.TemporaryDirectory(prefix="spineseg-") as folder,
    ):
        status = store.client.get_run(run_id).info.status
        model = mlflow.pyfunc.log_model(
            name="vertebrae",
            python_model=str(Path(__file__).with_name("flavor.py")),
            artifacts={"weights": str(weights)},
            model_config={
                "image_size_px": image_size_px,
                "confidence": CONFIDENCE,
                "numbering": numbering.model_dump(),
                "synthetic": synthetic,
            },
            signature=_SIGNATURE,
            input_example=pd.DataFrame({"image": [example]}),
            pip_requirements=requirements(),
            code_paths=[str(_code(Path(folder)))],
        )
    if status != "RUNNING":
        store.client.set_terminated(run_id, status)
    return model


def requirements() -> list[str]:
    """Return what answering needs, pinned, without the tags of local builds (as 2.1+cpu)."""
    return [f"{name}=={installed(name).partition('+')[0]}" for name in _REQUIREMENTS]


def _code(folder: Path) -> Path:
    """Copy the part of the package that answering needs into `folder`; return it."""
    package, copy = Path(__file__).parent.parent, folder / "spineseg"
    for name in CODE:
        if (package / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(package / name, copy / name, ignore=ignored)
        else:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(package / name, copy / name)
    return copy
