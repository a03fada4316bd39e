"""The registered model: films in, a table of outlined and numbered vertebrae out.

MLflow loads this file as code. The weights beside it are a PyTorch checkpoint, and that is a
pickle: load models only from a registry whose writers you trust.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import tempfile
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel, PythonModelContext

COLUMNS = ("image", "level", "confidence", "polygon")


class VertebraModel(PythonModel):
    """Takes a column `image`, a path or base64 of a file; gives one row per vertebra."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the weights that lie beside the model."""
        from spineseg.prediction.numbering.model import NumberingModel
        from spineseg.prediction.predictor import Predictor
        from spineseg.process_setup import prepare_environment

        prepare_environment(Path(tempfile.gettempdir()) / "spineseg-ultralytics")
        config = context.model_config
        self._confidence = float(config["confidence"])
        self._numbering = NumberingModel.model_validate(config.get("numbering", {}))
        self._predictor = Predictor(
            Path(context.artifacts["weights"]), image_size_px=int(config["image_size_px"])
        )

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return image (row number), level, confidence and polygon (JSON, pixels) per vertebra."""
        from spineseg.prediction.numbered import numbered_prediction
        from spineseg.prediction.outlines import prediction_as_json

        rows = []
        for number, image in enumerate(model_input["image"]):
            with tempfile.TemporaryDirectory() as folder:
                prediction = numbered_prediction(
                    self._predictor.predict(_path(str(image), Path(folder))), self._numbering
                )
            for vertebra in prediction_as_json(prediction, self._confidence)["vertebrae"]:
                polygon = json.dumps(vertebra["polygon"])
                rows.append((number, vertebra["level"], vertebra["confidence"], polygon))
        return pd.DataFrame(rows, columns=list(COLUMNS))


def _path(image: str, folder: Path) -> Path:
    """Return `image` if it is a path, else the file that its base64 holds, written to `folder`."""
    with contextlib.suppress(OSError):  # Base64 may be too long for a file's name.
        if len(image) < 4096 and Path(image).is_file():
            return Path(image)
    try:
        content = base64.b64decode(image, validate=True)
    except (binascii.Error, ValueError):
        return Path(image)  # The predictor says that there is no such file.
    path = folder / "image"
    path.write_bytes(content)
    return path


mlflow.models.set_model(VertebraModel())
