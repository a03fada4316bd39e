"""What a registered model is made of: weights, code, signature, an example, requirements."""

from __future__ import annotations

import io
import shutil
import tempfile
from contextlib import suppress
from importlib.metadata import version as installed
from pathlib import Path

import mlflow
from mlflow.entities import LoggedModelOutput
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.models.model import ModelInfo
from mlflow.types.schema import ColSpec, ParamSchema, ParamSpec, Schema
from PIL import Image

from spineseg.config.networks import family_of
from spineseg.files import sha256_of
from spineseg.phantom.film import render_film
from spineseg.prediction.extra import PREDICTING_WITH_TRANSFORMERS
from spineseg.prediction.network_file import read_card, write_network
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.prediction.suffixes import SAFE
from spineseg.tracking.model_versions import SHA256
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
    "config/networks.py",
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
    params: dict[str, str] | None = None,
    tags: dict[str, str] | None = None,
) -> ModelInfo:
    """Log the weights of `run_id`, with all that serving them needs, as a model of that run.

    The weights become a file that holds nothing that runs; its SHA-256 is in the model's metadata
    under the name of the version's tag. `example` is a film's file. `synthetic` says whether it
    learnt from synthetic films; None where nobody knows. The run is not opened again: its end stays
    what it was. What fails leaves no model. Raises WeightsError for weights that are no network.
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
                    "synthetic": synthetic,
                },
                signature=_SIGNATURE,
                input_example=pd.DataFrame({"image": [example]}),
                pip_requirements=requirements(read_card(safe).architecture),
                code_paths=[str(_code(Path(folder)))],
                metadata={SHA256: sha256_of(safe)},
            )
        store.client.log_outputs(run_id, [LoggedModelOutput(begun.model_id, step=0)])
    except BaseException:
        with suppress(MlflowException):
            store.client.delete_logged_model(begun.model_id)
        raise
    return model


def requirements(network: str) -> list[str]:
    """Return what answering by a network needs, pinned, without tags of local builds (2.1+cpu)."""
    more = ("transformers",) if family_of(network) in PREDICTING_WITH_TRANSFORMERS else ()
    return [f"{name}=={installed(name).partition('+')[0]}" for name in (*_REQUIREMENTS, *more)]


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
