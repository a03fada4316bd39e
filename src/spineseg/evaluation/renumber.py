"""Records of films with the levels of whole columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spineseg.evaluation.records import FilmRecord
from spineseg.prediction.numbering.decoding import number_column
from spineseg.prediction.numbering.model import NumberingModel


def numbered_records(records: Sequence[FilmRecord], model: NumberingModel) -> list[FilmRecord]:
    """Return all records with the levels that `model` gives."""
    return [numbered_record(record, model) for record in records]


def numbered_record(record: FilmRecord, model: NumberingModel) -> FilmRecord:
    """Return a record with the levels that `model` gives its detections, matched anew.

    With `argmax` it is the record itself.
    """
    if model.numbering == "argmax" or not record.found:
        return record
    numbered = number_column(
        np.array([found.box for found in record.found]),
        np.array([found.level_scores for found in record.found]),
        model,
        height_px=record.height,
    )
    return record.changed(
        found=[
            record.found[n.detection].model_copy(
                update={"level": n.level, "confidence": n.confidence}
            )
            for n in numbered
        ],
        box_iou=[record.box_iou[n.detection] for n in numbered],
        mask_iou=[record.mask_iou[n.detection] for n in numbered],
    )
