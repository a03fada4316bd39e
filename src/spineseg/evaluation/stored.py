"""Where a run's evaluations lie: scores and records of single films, by part and numbering."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from spineseg.config.numbering import Numbering
from spineseg.errors import DataError
from spineseg.evaluation.records import FilmRecord, load_records, save_records
from spineseg.evaluation.result import Evaluation
from spineseg.films import Part

_REMEDY = (
    "put a backup in its place, or move the run's folder and optuna.db away and run again: it is "
    "trained anew"
)
NUMBERINGS: tuple[Numbering, ...] = get_args(Numbering)


@dataclass(frozen=True)
class Evaluated:
    """Scores and records of one set of weights, under each way of numbering."""

    scores: dict[Numbering, Evaluation]
    records: dict[Numbering, list[FilmRecord]]


def records_file(folder: Path, part: Part, numbering: Numbering) -> Path:
    """Return where a run's records on a part lie, under one way of numbering."""
    return folder / f"{part}-records-{numbering}.json.gz"


def scores_file(folder: Path, part: Part, numbering: Numbering) -> Path:
    """Return where a run's scores on a part lie, under one way of numbering."""
    return folder / f"{part}-scores-{numbering}.json"


def evaluation_files(folder: Path, part: Part) -> list[Path]:
    """Return every file that an evaluation on a part leaves in a run's folder."""
    return [file(folder, part, n) for file in (records_file, scores_file) for n in NUMBERINGS]


def is_evaluated(folder: Path, part: Part) -> bool:
    """Return whether a run's evaluation on a part is there and whole."""
    return all(file.exists() for file in evaluation_files(folder, part))


def refuse_incomplete(folder: Path, part: Part) -> None:
    """Raise DataError where a file of a run's evaluation on a part is missing."""
    for path in evaluation_files(folder, part):
        if not path.exists():
            raise _unreadable(path, part, FileNotFoundError())


def save_evaluation(folder: Path, evaluated: Evaluated, part: Part) -> None:
    """Leave scores and records in a run's folder; the scores last, when the rest is whole."""
    for numbering, records in evaluated.records.items():
        save_records(records_file(folder, part, numbering), records)
    for numbering, scores in evaluated.scores.items():
        scores.save(scores_file(folder, part, numbering))


def stored_scores(folder: Path, part: Part, numbering: Numbering) -> Evaluation:
    """Return a run's scores on a part. Raises DataError where they are missing or damaged."""
    try:
        return Evaluation.load(scores_file(folder, part, numbering))
    except (OSError, ValueError) as error:
        raise _unreadable(scores_file(folder, part, numbering), part, error) from None


def stored_records(folder: Path, part: Part, numbering: Numbering) -> list[FilmRecord]:
    """Return a run's records on a part. Raises DataError where they are missing or damaged."""
    try:
        return load_records(records_file(folder, part, numbering))
    except (OSError, EOFError, ValueError) as error:
        raise _unreadable(records_file(folder, part, numbering), part, error) from None


def _unreadable(path: Path, part: Part, error: Exception) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(
            f"{path}: not found, so the run's evaluation on its {part} part is not whole; {_REMEDY}"
        )
    return DataError(f"{path}: cannot be read ({type(error).__name__}); {_REMEDY}")
