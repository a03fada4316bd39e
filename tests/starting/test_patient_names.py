"""Whose films are by their names: found where names say it, and never guessed in silence."""

from __future__ import annotations

import re

import numpy as np
import pytest
from naming_schemes import SCHEMES, named_films

from spineseg.data.likeness.descriptor import film_hash
from spineseg.data.patients import source_stem
from spineseg.starting.alikeness import Alike
from spineseg.starting.name_parts import parts_of
from spineseg.starting.patient_guess import guessed_by_identifiers, guessed_by_names


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
def test_the_patient_is_found_in_names_of_many_kinds_or_nothing_is_guessed(
    scheme, seed: int
) -> None:
    names, patients = named_films(scheme, seed)
    guess = guessed_by_names(names)
    assert guess.certainty == scheme.certainty
    if scheme.certainty == "none":
        assert guess.pattern is None and guess.patients == len(names)
        return
    if scheme.pattern:
        assert guess.pattern == scheme.pattern
    told = [re.search(guess.pattern, name) for name in names]
    found = [str(int(m[1])) if m and m[1].isdigit() else m and m[1] for m in told]
    groups = {tuple(at for at, f in enumerate(found) if f == one) for one in set(found) - {None}}
    truth = {tuple(at for at, p in enumerate(patients) if p == one) for one in set(patients) - {""}}
    assert groups == truth
    assert guess.films_alone == patients.count("")


def test_roboflows_copies_are_told_by_the_name_that_they_were_made_of() -> None:
    copies = [f"P{p:03d}_{side}_jpg.rf.{p:032x}.jpg" for p in range(30) for side in "LR"]
    guess = guessed_by_names([source_stem(name) for name in copies])
    assert (guess.certainty, guess.pattern, guess.patients) == ("sure", r"P(\d+)", 30)


def test_several_patterns_that_are_as_likely_are_all_named_and_none_is_taken() -> None:
    guess = guessed_by_names(named_films(SCHEMES["one_other"])[0])
    assert guess.why == "several patterns are as likely"
    assert len(guess.others) == 2 and all("6 patients" in other for other in guess.others)


def test_the_largest_groups_are_shown_with_their_films() -> None:
    names = [f"patient{p:02d}_{v}" for p in range(20) for v in range(5 if p == 7 else 2)]
    largest = guessed_by_names(names).largest[0]
    assert (largest.patient, largest.films) == ("07", 5)
    assert largest.examples == ("patient07_0", "patient07_1", "patient07_2")


def test_one_number_in_two_folders_is_two_patients_and_is_counted() -> None:
    names = [f"P{p:03d}_{c}" for p in range(20) for c in "ab"] * 2
    guess = guessed_by_names(names, [0] * 40 + [1] * 40)
    assert (guess.patients, guess.in_several) == (40, 20)


def test_a_date_is_no_patient() -> None:
    assert [p.kind for p in parts_of("a_2021-03-04_7")] == [
        "word",
        "between",
        "date",
        "between",
        "number",
    ]
    assert [p.text for p in parts_of("02-Jan-2017-162")] == ["02-Jan-2017", "-", "162"]


def _films(groups: int, each: int, own: float) -> dict[int, bytes]:
    """Return descriptors of films that share `own` of their group's picture."""
    from PIL import Image

    rng = np.random.default_rng(0)
    films = {}
    for group in range(groups):
        common = rng.normal(size=(8, 8))
        for film in range(each):
            picture = own * common + (1 - own) * rng.normal(size=(8, 8))
            grey = np.clip(128 + 50 * picture, 0, 255).astype(np.uint8)
            image = Image.fromarray(grey).resize((128, 128), Image.Resampling.BICUBIC)
            films[group * each + film] = film_hash(image).tobytes()
    return films


def test_films_of_one_group_that_look_alike_speak_for_a_pattern() -> None:
    names = [f"{p:03d}-{v}" for p in range(20) for v in "abc"]
    alike = guessed_by_names(names, alike=Alike(_films(20, 3, own=0.6)))
    assert alike.certainty == "sure" and "more alike than others in 100% of pairs" in alike.why


def test_films_of_one_group_that_look_no_more_alike_make_it_less_than_sure() -> None:
    names = [f"{p:03d}-{v}" for p in range(20) for v in "abc"]
    films = _films(20, 3, own=0.6)
    moved = {at: films[(at * 7) % 60] for at in films}
    assert guessed_by_names(names, alike=Alike(moved)).certainty == "likely"


def test_identifiers_group_films_and_are_never_shown() -> None:
    names = [f"IM{n}" for n in range(20)]
    guess = guessed_by_identifiers(names, [f"SECRET-{n // 2}" for n in range(20)])
    assert (guess.patients_from, guess.patients, guess.certainty) == ("dicom-patient", 10, "sure")
    assert "SECRET" not in guess.model_dump_json()


@pytest.mark.parametrize("identifiers", [["ANON"] * 20, [None] * 20, ["1", "2"] + [None] * 18])
def test_identifiers_that_tell_nothing_are_not_taken(identifiers: list[str | None]) -> None:
    assert guessed_by_identifiers([f"IM{n}" for n in range(20)], identifiers) is None
