"""The registered model: films' bytes in, a row of outlined and numbered vertebrae a film out.

MLflow loads this file as code. Clients send bytes; only a pathlib.Path, which none of them can
send, opens a file.
"""

from __future__ import annotations

import atexit
import json
import logging
import shutil
import tempfile
from pathlib import Path
from threading import Lock
from typing import Any

import mlflow
import pandas as pd
import yaml
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PythonModel, PythonModelContext

COLUMNS = (
    "film",
    "width",
    "height",
    "spacing",
    "vertebrae",
    "numbering",
    "model",
    "synthetic",
    "error",
)
_log = logging.getLogger("spineseg")


class VertebraModel(PythonModel):
    """Takes a column `image`, the bytes of a film's file; gives one row a film."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the weights that lie beside the model."""
        from spineseg.prediction.numbering.model import NumberingModel
        from spineseg.prediction.segmenter import load_segmenter
        from spineseg.process_setup import prepare_environment

        settings = Path(tempfile.mkdtemp(prefix="spineseg-"))
        atexit.register(shutil.rmtree, settings, ignore_errors=True)
        prepare_environment(settings)
        config, weights = context.model_config, Path(context.artifacts["weights"])
        self._confidence = float(config["confidence"])
        self._numbering = NumberingModel.model_validate(config.get("numbering", {}))
        self._segmenter = load_segmenter(weights, image_size_px=int(config["image_size_px"]))
        self._common = {
            "numbering": self._numbering.numbering,
            "model": _model_name(weights),
            "synthetic": config.get("synthetic"),  # None for a version of which it is not known.
        }
        self._alone = Lock()  # One film at a time: memory is that of one film.

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return one row a film, in order; one that cannot be read has its reason in `error`.

        `vertebrae` and `spacing` are JSON. Raises MlflowException for a confidence beyond 0 to 1.
        """
        confidence = (params or {}).get("confidence")
        confidence = self._confidence if confidence is None else float(confidence)
        if not 0 <= confidence <= 1:
            raise MlflowException.invalid_parameter_value(
                f"confidence {confidence}: must lie between 0 and 1"
            )
        rows = [
            {"film": number, **self._answer(image, number, confidence), **self._common}
            for number, image in enumerate(model_input["image"])
        ]
        return pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)

    def _answer(self, image: object, number: int, confidence: float) -> dict[str, Any]:
        from spineseg.errors import SpinesegError
        from spineseg.prediction.answers import decoded_film, numbered_film
        from spineseg.prediction.outlines import prediction_as_json

        name = Path(f"film {number}")
        try:
            with self._alone:
                film = decoded_film(image, name)
                found = numbered_film(self._segmenter, film, name, self._numbering)
                answer = prediction_as_json(found, confidence, film.spacing)
        except SpinesegError as error:
            return _refused(str(error))
        except Exception as error:  # A stranger's file; the other films are to be answered.
            _log.exception("film %d cannot be answered", number)
            return _refused(f"{name}: cannot be answered ({type(error).__name__})")
        return {
            "width": answer["width"],
            "height": answer["height"],
            "spacing": json.dumps(answer["spacing"]),
            "vertebrae": json.dumps(answer["vertebrae"]),
            "error": "",
        }


def _refused(reason: str) -> dict[str, Any]:
    nothing = {"width": None, "height": None, "spacing": "null", "vertebrae": "[]"}
    return {**nothing, "error": " ".join(reason.split())}


def _model_name(weights: Path) -> str:
    """Return "NAME version N" of a registered model, else the model's id.

    MLflow writes the first beside a model that it fetches by its registered name.
    """
    for folder in weights.parents:
        if (folder / "MLmodel").is_file():
            registered = folder / "registered_model_meta"
            if registered.is_file():
                meta = yaml.safe_load(registered.read_text())
                return f"{meta['model_name']} version {meta['model_version']}"
            return str(yaml.safe_load((folder / "MLmodel").read_text()).get("model_id") or "")
    return ""


mlflow.models.set_model(VertebraModel())
