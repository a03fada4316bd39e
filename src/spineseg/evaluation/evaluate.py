"""Scores one set of weights on labelled films, under each way of numbering."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from spineseg.errors import DataError
from spineseg.evaluation.matching import record_film
from spineseg.evaluation.records import FilmRecord
from spineseg.evaluation.renumber import numbered_records
from spineseg.evaluation.scores import score
from spineseg.evaluation.signs import with_found_signs
from spineseg.evaluation.stored import NUMBERINGS, Evaluated
from spineseg.films import LabelledFilm
from spineseg.live_line import counting
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.prediction.segmenter import load_segmenter


def evaluate_weights(
    weights: Path,
    films: Sequence[LabelledFilm],
    *,
    image_size_px: int,
    device: str,
    numbering: NumberingModel,
    trust: bool = False,
    batch: int = 16,
) -> Evaluated:
    """Return the scores of `weights` on `films` under both ways of numbering, with the records.

    `numbering` says what is known of columns; with `trust`, the code in a .pt file runs; `batch`
    films go through the network at a time: alone, each has the answer that `predict` gives. Raises
    DataError without films or labels, WeightsError for weights that cannot be used.
    """
    if not films:
        raise DataError("there is no film to evaluate on; name a part that has some")
    segmenter = load_segmenter(weights, image_size_px=image_size_px, device=device, trust=trust)
    predictions = segmenter.predict_many((film.path for film in films), batch)
    pairs = counting(zip(films, predictions, strict=True), len(films), "film")
    records = [record_film(film, prediction) for film, prediction in pairs]
    return evaluated_records(records, numbering)


def evaluated_records(records: Sequence[FilmRecord], numbering: NumberingModel) -> Evaluated:
    """Score records as they are, and with whole columns numbered by what is known of them."""
    numbered = {
        way: [
            with_found_signs(record)
            for record in numbered_records(records, numbering.model_copy(update={"numbering": way}))
        ]
        for way in NUMBERINGS
    }
    return Evaluated({way: score(found) for way, found in numbered.items()}, numbered)
