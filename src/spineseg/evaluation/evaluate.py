"""Scores one set of weights on labelled films."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import DataError
from ..films import LabelledFilm
from .matching import record_image, save_matches
from .metrics import score
from .predictor import Predictor
from .result import Evaluation


def evaluate_weights(
    weights: Path,
    films: Sequence[LabelledFilm],
    *,
    image_size_px: int,
    device: str,
    matches_path: Path | None = None,
) -> Evaluation:
    """Return the scores of `weights` on `films`; keep the per-image records at `matches_path`.

    Raises DataError without films or labels, WeightsError for weights that cannot be used.
    """
    if not films:
        raise DataError("there is no film to evaluate on; name a part that has some")
    predictor = Predictor(weights, image_size_px=image_size_px, device=device)
    predictions = predictor.predict_many(film.path for film in films)
    records = [
        record_image(film, prediction) for film, prediction in zip(films, predictions, strict=True)
    ]
    if matches_path is not None:
        save_matches(matches_path, records)
    return score(records)
