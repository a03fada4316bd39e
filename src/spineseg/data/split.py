"""Divides films into training, validation and test; what belongs together stays together."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence

from spineseg.config.data import DataConfig
from spineseg.data.patients import Patient, Whose
from spineseg.errors import DataError
from spineseg.films import PARTS, Part

_NUMBER = re.compile(r"\d+(?!.*\d)", re.DOTALL)
_BLOCK = 60  # Numbers that are spread evenly among each other; it has many divisors.
_STEPS = (11, 13, 23, 37, 47, 49)  # Those that spread few numbers well, too.


def divided(
    films: Sequence[Whose],
    own_parts: Sequence[Part | None],
    alike: Iterable[tuple[int, int]],
    config: DataConfig,
) -> tuple[list[Patient], list[Part]]:
    """Return the group and the part of each film, in order.

    `own_parts` are those of the sources' own split, `alike` pairs of films that show one picture.
    Raises DataError where a part that is wanted would be empty.
    """
    if config.split == "keep":
        kept = [part for part in own_parts if part]
        if len(kept) < len(own_parts) or not {"train", "valid"} <= set(kept):
            raise DataError(
                "split: keep needs sources with a training and a validation part of their own; "
                "use data.split: patients"
            )
        if config.test_fraction and "test" not in kept:
            raise DataError(
                f"split: keep takes the sources' own parts, and they have no test part: "
                f"test_fraction {config.test_fraction:g} cannot be had; set data.test_fraction=0 "
                "or data.split=patients"
            )
        return [film.patient for film in films], kept
    groups = grouped([f.patient for f in films], alike if config.group_near_duplicates else ())
    part_of = assign_parts(
        {film.patient: film.spread_by for film in films},
        dict(zip((film.patient for film in films), groups, strict=True)),
        config,
    )
    return groups, [part_of[group] for group in groups]


def grouped(patients: Sequence[Patient], together: Iterable[tuple[int, int]]) -> list[Patient]:
    """Return the group of each film: its patient, or the first of those that are joined to it.

    `patients` are those of the films; `together` are pairs of films.
    """
    from scipy.cluster.hierarchy import DisjointSet  # Here: data that lie merged are not split.

    sets = DisjointSet(dict.fromkeys(patients))
    for first, second in together:
        sets.merge(patients[first], patients[second])
    name = {patient: min(subset) for subset in sets.subsets() for patient in subset}
    return [name[patient] for patient in patients]


def assign_parts(
    spread_by: Mapping[Patient, str], group_of: Mapping[Patient, Patient], config: DataConfig
) -> dict[Patient, Part]:
    """Return the part of each group: the most held back of its patients' own.

    So a copy, whatever its name, never draws a film out of the held-back parts. Raises DataError
    where a part that is wanted would be empty.
    """
    parts: dict[Patient, Part] = {}
    for patient, text in spread_by.items():
        group, own = group_of[patient], _own_part(text, config)
        if PARTS.index(own) >= PARTS.index(parts.get(group, "train")):
            parts[group] = own
    missing = [
        part
        for part in PARTS
        if part not in parts.values() and (part != "test" or config.test_fraction)
    ]
    if missing:
        raise DataError(
            f"{len(parts)} patients or films are too few to set {', '.join(missing)} apart; add "
            "films, or change data.valid_fraction, data.test_fraction or data.split_seed"
        )
    return parts


def _own_part(text: str, config: DataConfig) -> Part:
    place = place_of(text, config.split_seed)
    if place < config.valid_fraction:
        return "valid"
    return "test" if place < config.valid_fraction + config.test_fraction else "train"


def place_of(name: str, seed: int) -> float:
    """Return where a patient lies in 0..1, which decides the part.

    It depends on the name and the seed alone, so a film keeps its part whatever is added. Names
    that end in a number, as patients' do, are spread by blocks of sixty numbers: within a block
    each sixtieth of 0..1 is taken once, in steps and from a start drawn for that block (a lattice,
    shifted at random). So any run of numbers, and every second, third, fourth, fifth or sixth of
    one, has nearly the same share of each part, and so have its views and levels; numbers at other
    steps are spread as by chance. An exact stratification cannot be had: it must move films when
    others are added.
    """
    number = _NUMBER.search(name)
    if number is None:
        return _chance(f"{seed}:{name}")
    fixed = name[: number.start()] + "#" + name[number.end() :]
    block, within = divmod(int(number[0]), _BLOCK)
    key = f"{seed}:{fixed}:{block}"
    step = _STEPS[int(_chance(f"{key}:step") * len(_STEPS))]
    start = int(_chance(f"{key}:start") * _BLOCK)
    slot = (start + step * within) % _BLOCK
    return (slot + _chance(f"{key}:{within}")) / _BLOCK


def _chance(text: str) -> float:
    digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
