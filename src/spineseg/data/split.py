"""Divides films into training, validation and test; what belongs together stays together."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from scipy.cluster.hierarchy import DisjointSet

from spineseg.config.data import DataConfig
from spineseg.errors import DataError
from spineseg.films import PARTS, Part

_ROBOFLOW_COPY = re.compile(r"^(?P<stem>.+?)(_(jpe?g|png|bmp|tiff?|webp))?\.rf\.[0-9a-zA-Z]+$")
_NUMBER = re.compile(r"\d+(?!.*\d)", re.DOTALL)
_CIRCLE = 2**64
_GOLDEN_STEP = 11400714819323198485  # 2**64 / golden ratio, made odd.

Patient = tuple[int, str]
"""A patient of a source: the source's number, and the name found in the films' names."""


def source_stem(film: Path) -> str:
    """Return the radiograph that an exported film was made from: `STEM_jpg.rf.HASH` -> `STEM`."""
    stem = film.stem.encode("utf-8", "backslashreplace").decode()  # Names may be no text.
    match = _ROBOFLOW_COPY.match(stem)
    return match["stem"] if match else stem


def patient_of(film: Path, pattern: str | None) -> str:
    """Return the patient of a film: the pattern's first group, else the radiograph itself."""
    stem = source_stem(film)
    match = re.search(pattern, stem) if pattern else None
    return (match[1] or stem) if match else stem


def grouped(patients: Sequence[Patient], together: Iterable[tuple[int, int]]) -> list[Patient]:
    """Return the group of each film: its patient, or the first of those that are joined to it.

    `patients` are those of the films, a source's number and a name; `together` are pairs of films.
    """
    sets = DisjointSet(dict.fromkeys(patients))
    for first, second in together:
        sets.merge(patients[first], patients[second])
    name = {patient: min(subset) for subset in sets.subsets() for patient in subset}
    return [name[patient] for patient in patients]


def divided(
    patients: Sequence[Patient],
    own_parts: Sequence[Part | None],
    alike: Iterable[tuple[int, int]],
    config: DataConfig,
) -> tuple[list[Patient], list[Part]]:
    """Return the group and the part of each film, in order.

    `patients` and `own_parts` (of the sources' own split) are those of the films, `alike` pairs of
    films that show one picture. Raises DataError where a part that is wanted would be empty.
    """
    if config.split == "keep":
        kept = [part for part in own_parts if part]
        if len(kept) < len(own_parts) or not {"train", "valid"} <= set(kept):
            raise DataError(
                "split: keep needs sources with a training and a validation part of their own; "
                "use data.split: patients"
            )
        return list(patients), kept
    groups = grouped(patients, alike if config.group_near_duplicates else ())
    part_of = assign_parts(
        dict.fromkeys(groups),
        valid_fraction=config.valid_fraction,
        test_fraction=config.test_fraction,
        seed=config.split_seed,
    )
    return groups, [part_of[group] for group in groups]


def place_of(group: str, seed: int) -> float:
    """Return where a group lies on the circle 0..1; its arc is its part.

    It depends on the group's name and the seed alone, so a film keeps its part whatever is added.
    Names that end in a number, as patients' do, take steps of the golden ratio (a Kronecker
    sequence; Niederreiter 1992, chapter 3): any run of numbers, and any regular choice among them,
    is spread evenly, so that each view and level has nearly the same share of each part. An exact
    stratification cannot have both: it must move films when others are added.
    """
    number = _NUMBER.search(group)
    fixed = group if number is None else group[: number.start()] + "#" + group[number.end() :]
    start = int.from_bytes(hashlib.sha256(f"{seed}:{fixed}".encode()).digest()[:8], "big")
    steps = int(number[0]) if number else 0
    return ((start + steps * _GOLDEN_STEP) % _CIRCLE) / _CIRCLE


def assign_parts(
    groups: Iterable[Patient], *, valid_fraction: float, test_fraction: float, seed: int
) -> dict[Patient, Part]:
    """Return the part of each group: `train`, `valid` or `test`.

    Raises DataError where a part that is wanted would be empty.
    """
    parts: dict[Patient, Part] = {}
    for group in groups:
        place = place_of(group[1], seed)
        if place < valid_fraction:
            parts[group] = "valid"
        else:
            parts[group] = "test" if place < valid_fraction + test_fraction else "train"
    _check_parts(parts.values(), test_fraction)
    return parts


def _check_parts(parts: Iterable[Part], test_fraction: float) -> None:
    """Raise DataError where a part that is needed has nothing."""
    parts = list(parts)
    wanted = [part for part in PARTS if part != "test" or test_fraction]
    missing = [part for part in wanted if part not in parts]
    if missing:
        raise DataError(
            f"{len(parts)} patients or films are too few to set {', '.join(missing)} apart; add "
            "films, or change data.valid_fraction, data.test_fraction or data.split_seed"
        )
