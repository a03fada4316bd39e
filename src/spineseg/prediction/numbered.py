"""A prediction with the levels of whole columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spineseg.prediction.detections import Prediction
from spineseg.prediction.numbering.decoding import number_column
from spineseg.prediction.numbering.model import NumberingModel


def numbered_prediction(prediction: Prediction, model: NumberingModel) -> Prediction:
    """Return a prediction with the levels that `model` gives, most confident first."""
    if model.numbering == "argmax" or not prediction.detections:
        return prediction
    numbered = number_column(
        np.array([d.box for d in prediction.detections], float),
        np.array([d.level_scores for d in prediction.detections], float),
        model,
        height_px=prediction.height,
    )
    return replace(
        prediction,
        detections=tuple(
            replace(prediction.detections[n.detection], level=n.level, confidence=n.confidence)
            for n in numbered
        ),
    )
