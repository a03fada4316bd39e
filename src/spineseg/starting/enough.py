"""Whether patients suffice for a study, and how they are divided; else how many are missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import floor

from pydantic import Field

from spineseg.config.data import DataConfig, LocalSource
from spineseg.config.model import Model
from spineseg.data.patients import Whose
from spineseg.data.split import divided, grouped
from spineseg.errors import DataError
from spineseg.evidence.significance import LEAST_PATIENTS
from spineseg.films import PARTS, Part

LEAST_TRAINED = LEAST_PATIENTS
"""Patients to train on: no fewer than are held back."""
LEAST_FOR_STUDY = LEAST_TRAINED + LEAST_PATIENTS
LEAST_FOR_PROMOTION = LEAST_TRAINED + 2 * LEAST_PATIENTS
_USUAL_SHARE = 0.2
_SEEDS = 400  # Divisions that are tried, until one gives each part enough patients.


class Division(Model):
    """How the patients would be divided, and what that allows."""

    patients: int = Field(
        description="Groups that stay together, with a labelled film: patients, and copies joined."
    )
    unlabelled_patients: int = Field(0, description="Such groups without a labelled film.")
    valid_fraction: float
    test_fraction: float
    split_seed: int
    films: dict[Part, int]
    part_patients: dict[Part, int]

    @property
    def can_promote(self) -> bool:
        """Whether there is a test part with patients enough for a promotion."""
        return self.part_patients["test"] >= LEAST_PATIENTS


def refuse_too_few(films: int, patients: int, doubtful: str | None = None) -> None:
    """Raise DataError where so few patients make no study, with the number that is missing.

    `doubtful` is the pattern that told them, where it is not sure.
    """
    if patients >= LEAST_FOR_STUDY:
        return
    otherwise = (
        f"They are told by '{doubtful}', which is not sure: if patients are told otherwise, set "
        "data.patient_pattern in a copy of configs/studies/local.yaml. "
        if doubtful
        else ""
    )
    raise DataError(
        f"{_count(films, 'labelled film')} of {_count(patients, 'patient')}: a study needs at "
        f"least {LEAST_FOR_STUDY} patients, {LEAST_TRAINED} to train on and {LEAST_PATIENTS} to "
        f"compare on (of fewer no p falls below 0.05), and {LEAST_FOR_PROMOTION} with a sealed "
        f"test part; {LEAST_FOR_STUDY - patients} more are missing. {otherwise}`spineseg "
        "predict DIR --weights bundled` marks these films without a study"
    )


def division(
    whose: Sequence[Whose],
    alike: Sequence[tuple[int, int]],
    *,
    labelled: Sequence[bool] | None = None,
    of_all: int | None = None,
) -> Division:
    """Return how films of these patients are divided, by the first seed that gives enough to each.

    `alike` are pairs of films that show one picture. `labelled` says which films have labels: a
    patient without one counts in no part. `of_all` is the number of all films where
    only a sample of them is given: counts are then raised in proportion. Raises DataError for too
    few patients, with the number that is missing.
    """
    has_labels = [True] * len(whose) if labelled is None else labelled
    every = grouped([film.patient for film in whose], alike)
    patients = len({of for of, has in zip(every, has_labels, strict=True) if has})
    scale = of_all / len(whose) if of_all else 1.0
    refuse_too_few(of_all or sum(has_labels), patients)
    seals = patients >= LEAST_FOR_PROMOTION
    valid = _share(patients, 3 if seals else 2)
    test = valid if seals else 0.0
    wanted: dict[Part, int] = {"train": LEAST_TRAINED, "valid": LEAST_PATIENTS}
    if seals:
        wanted["test"] = LEAST_PATIENTS
    best: Division | None = None
    for seed in range(_SEEDS):
        config = _config(valid, test, seed)
        try:
            groups, parts = _divided(whose, alike, config)
        except DataError:  # This seed leaves a part empty.
            continue
        found = _division(groups, parts, has_labels, config, scale)
        if all(found.part_patients[part] >= least for part, least in wanted.items()):
            return found
        best = best or found
    if best is None:
        raise DataError(f"{patients} patients can be divided by none of {_SEEDS} seeds; add films")
    return best


def _share(patients: int, parts: int) -> float:
    """Return the usual share, or as many as are needed; of few patients, one part of so many."""
    needed = min(LEAST_PATIENTS + 0.5, patients / parts) / patients
    return max(_USUAL_SHARE, floor(100 * needed) / 100)


def _config(valid: float, test: float, seed: int) -> DataConfig:
    return DataConfig(
        sources=(LocalSource.model_validate({"kind": "local", "path": "."}),),
        valid_fraction=valid,
        test_fraction=test,
        split_seed=seed,
    )


def _divided(
    whose: Sequence[Whose], alike: Sequence[tuple[int, int]], config: DataConfig
) -> tuple[list[object], list[Part]]:
    groups, parts = divided(whose, [None] * len(whose), alike, config)
    return list(groups), parts


def _division(
    groups: Sequence[object],
    parts: Sequence[Part],
    has_labels: Sequence[bool],
    config: DataConfig,
    scale: float,
) -> Division:
    films = Counter(parts)
    each = zip(groups, parts, has_labels, strict=True)
    with_labels = {(group, part) for group, part, has in each if has}
    of_part = Counter(part for _, part in with_labels)
    return Division(
        patients=round(len(with_labels) * scale),
        unlabelled_patients=round((len(set(groups)) - len(with_labels)) * scale),
        valid_fraction=config.valid_fraction,
        test_fraction=config.test_fraction,
        split_seed=config.split_seed,
        films={part: round(films[part] * scale) for part in PARTS},
        part_patients={part: round(of_part[part] * scale) for part in PARTS},
    )


def _count(number: int, one: str) -> str:
    return f"{number:,} {one if number == 1 else one + 's'}"
