"""Scores one set of weights on labelled films, and keeps what any later comparison needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from spineseg.config.numbering import Numbering
from spineseg.errors import DataError
from spineseg.evaluation.matching import record_image
from spineseg.evaluation.records import ImageRecord, load_matches, save_matches
from spineseg.evaluation.renumber import numbered_records
from spineseg.evaluation.result import Evaluation
from spineseg.evaluation.scores import score
from spineseg.films import LabelledFilm
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.prediction.predictor import Predictor


@dataclass(frozen=True)
class Evaluated:
    """Scores and per-image records of one set of weights, under each way of numbering."""

    scores: dict[Numbering, Evaluation]
    records: dict[Numbering, list[ImageRecord]]

    @classmethod
    def of(cls, records: Sequence[ImageRecord], numbering: NumberingModel) -> Evaluated:
        """Score records as they are, and with whole columns numbered by what is known of them."""
        ways: tuple[Numbering, ...] = get_args(Numbering)
        numbered = {
            way: numbered_records(records, numbering.model_copy(update={"numbering": way}))
            for way in ways
        }
        return cls({way: score(found) for way, found in numbered.items()}, numbered)


_MATCHES = "{part}matches.json.gz"
_NUMBERED = "{part}matches-sequence.json.gz"
_EVALUATION = "{part}evaluation-{numbering}.json"


def matches_file(folder: Path, part: str) -> Path:
    """Return where the per-image records of a run on `valid` or `test` lie."""
    return folder / _MATCHES.format(part=_prefix(part))


def evaluation_file(folder: Path, numbering: Numbering, part: str = "valid") -> Path:
    """Return where a run's scores on `valid` or `test` lie, under one way of numbering."""
    return folder / _EVALUATION.format(part=_prefix(part), numbering=numbering)


def evaluation_files(folder: Path, part: str = "valid") -> list[Path]:
    """Return every file that an evaluation on `valid` or `test` leaves in a run's folder."""
    both: tuple[Numbering, ...] = get_args(Numbering)
    matches = [matches_file(folder, part), _numbered_file(folder, part)]
    return [*matches, *(evaluation_file(folder, n, part) for n in both)]


def _numbered_file(folder: Path, part: str) -> Path:
    return folder / _NUMBERED.format(part=_prefix(part))


def _prefix(part: str) -> str:
    return "" if part == "valid" else f"{part}-"


def evaluate_weights(
    weights: Path,
    films: Sequence[LabelledFilm],
    *,
    image_size_px: int,
    device: str,
    numbering: NumberingModel,
) -> Evaluated:
    """Return the scores of `weights` on `films` under both ways of numbering, with the records.

    `numbering` says what is known of columns. Raises DataError without films or labels,
    WeightsError for weights that cannot be used.
    """
    if not films:
        raise DataError("there is no film to evaluate on; name a part that has some")
    predictor = Predictor(weights, image_size_px=image_size_px, device=device)
    predictions = predictor.predict_many(film.path for film in films)
    records = [
        record_image(film, prediction) for film, prediction in zip(films, predictions, strict=True)
    ]
    return Evaluated.of(records, numbering)


def save_evaluation(folder: Path, evaluated: Evaluated, part: str = "valid") -> None:
    """Leave scores and records in a run's folder; the scores last, when the rest is whole.

    The records are kept as they are and with whole columns numbered: numbering takes longest.
    """
    save_matches(matches_file(folder, part), evaluated.records["argmax"])
    save_matches(_numbered_file(folder, part), evaluated.records["sequence"])
    for way, evaluation in evaluated.scores.items():
        evaluation.save(evaluation_file(folder, way, part))


def load_records(folder: Path, numbering: NumberingModel, part: str = "valid") -> list[ImageRecord]:
    """Return a run's records on `valid` or `test`, numbered as `numbering` says.

    Raises DataError where the run has none.
    """
    path = matches_file(folder, part)
    if not path.exists():
        raise DataError(f"{path}: not found; the run was not evaluated on its {part} part")
    numbered = _numbered_file(folder, part)
    if numbering.numbering == "sequence" and numbered.exists():
        return load_matches(numbered)
    return numbered_records(load_matches(path), numbering)
