"""Whose films are by their names: found where names say it, and never guessed in silence."""

from __future__ import annotations

import re

import numpy as np
import pytest
from naming_schemes import SCHEMES, named_films
from unseen_names import UNSEEN, outcome

from spineseg.data.likeness.descriptor import film_hash
from spineseg.data.patients import source_stem
from spineseg.starting.alikeness import Alike
from spineseg.starting.name_parts import parts_of
from spineseg.starting.other_guesses import (
    guessed_by_folders,
    guessed_by_identifiers,
    noted_folders,
    noted_identifiers,
)
from spineseg.starting.patient_guess import guessed_by_names


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


@pytest.mark.parametrize("scheme", UNSEEN.values(), ids=UNSEEN)
def test_no_guess_of_names_that_no_rule_was_made_for_is_wrong_and_sure(scheme) -> None:
    assert "wrong and sure" not in [outcome(scheme, seed) for seed in range(3)]


def test_roboflows_copies_are_told_by_the_name_that_they_were_made_of() -> None:
    copies = [f"P{p:03d}_{side}_jpg.rf.{p:032x}.jpg" for p in range(30) for side in "LR"]
    guess = guessed_by_names([source_stem(name) for name in copies])
    assert (guess.certainty, guess.pattern, guess.patients) == ("sure", r"P(\d+)", 30)


def test_several_patterns_that_are_as_likely_are_all_named_and_none_is_taken() -> None:
    guess = guessed_by_names(named_films(SCHEMES["two words"])[0])
    assert guess.why == "several patterns are as likely"
    assert len(guess.others) == 2 and all("6 patients" in other for other in guess.others)


def test_of_two_numbers_the_first_is_taken_and_the_other_is_named() -> None:
    guess = guessed_by_names(named_films(SCHEMES["01_000, 30 each"])[0])
    assert guess.patients == 8 and "the first of two numbers" in guess.why
    assert guess.others == (r"'_(\d+)' (30 patients, at most 8 films each)",)


def test_one_patient_in_all_names_is_one_and_not_as_many_as_films() -> None:
    guess = guessed_by_names(named_films(SCHEMES["pat7_v1"])[0])
    assert (guess.patients, guess.why) == (1, "all 30 names say 'pat7': one patient?")
    assert [p.patient for p in guess.largest] == ["7"]


def test_the_largest_groups_are_shown_with_their_films() -> None:
    names = [f"patient{p:02d}_{v}" for p in range(20) for v in range(5 if p == 7 else 2)]
    largest = guessed_by_names(names).largest[0]
    assert (largest.patient, largest.films) == ("07", 5)
    assert largest.examples == ("patient07_0", "patient07_1", "patient07_2")


def test_one_number_in_two_folders_is_two_patients_and_is_counted() -> None:
    names = [f"P{p:03d}_{c}" for p in range(20) for c in "ab"] * 2
    guess = guessed_by_names(names, [0] * 40 + [1] * 40)
    assert (guess.patients, guess.in_several) == (40, 20)


def test_a_film_of_one_name_in_each_folder_tells_no_patient() -> None:
    names = [f"{v:03d}" for v in range(30)] * 3
    assert guessed_by_names(names).certainty == "none"


def test_a_running_number_of_six_digits_is_no_date() -> None:
    names = [f"{p}_{v}" for p in range(100101, 100129) for v in "ab"]
    assert (guessed_by_names(names).certainty, guessed_by_names(names).patients) == ("sure", 28)


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


def test_identifiers_with_many_films_each_are_taken_and_looked_at() -> None:
    guess = guessed_by_identifiers([f"IM{n}" for n in range(90)], [f"{n % 3}" for n in range(90)])
    assert guess is not None and (guess.patients, guess.certainty) == (3, "likely")


def test_one_identifier_for_all_films_is_asked_about() -> None:
    guess = noted_identifiers(["SECRET"] * 20, guessed_by_names([f"IM{n}" for n in range(20)]))
    assert guess.notes[0].startswith("20 films have one and the same DICOM PatientID")
    assert "SECRET" not in guess.model_dump_json()


def test_folders_named_as_patients_are_whatever_their_films_and_others_are_shown() -> None:
    patients = [f"patient{p}/{v:03d}" for p in range(3) for v in range(30)]
    found = guessed_by_folders(patients, [0] * 90)
    assert found is not None and (found.patients, found.certainty) == (3, "sure")
    years = [f"{y}/{v:03d}" for y in (2019, 2020, 2021) for v in range(30)]
    assert guessed_by_folders(years, [0] * 90) is None
    guess = guessed_by_names([y.rpartition("/")[2] for y in years])
    assert (
        "patients_from: folders (3 patients, at most 30" in noted_folders(years, guess).others[-1]
    )
