"""A network judged after an epoch, by the project's own evaluator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spineseg.evaluation.matching import record_film
from spineseg.evaluation.scores import score
from spineseg.films import LabelledFilm
from spineseg.prediction.segmenter import load_segmenter
from spineseg.training.families.protocol import Asked

_FILMS_AT_A_TIME = 16
_MEASURED = ("mask_precision", "mask_recall")


def validated(network: Any, films: Sequence[LabelledFilm], asked: Asked) -> dict[str, float]:
    """Return the scores of a network on films as valid/...; each detection has its own level.

    The network comes back in training mode.
    """
    segmenter = load_segmenter(
        Path(asked.job.name),
        image_size_px=asked.job.config.image_size_px,
        device=asked.device,
        network=network,
    )
    batch = max(1, _FILMS_AT_A_TIME // asked.orders.split)
    predictions = segmenter.predict_many((film.path for film in films), batch)
    found = score([record_film(f, p) for f, p in zip(films, predictions, strict=True)])
    network.train()
    precise = {name: value for name, value in found.scores.items() if name.count("map")}
    told = precise | {name: getattr(found, name) for name in _MEASURED}
    return {f"valid/{name}": float(value) for name, value in told.items()}
