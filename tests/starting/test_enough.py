"""Whether patients suffice for a study: each part gets enough, or the number missing is named."""

from __future__ import annotations

import pytest

from spineseg.data.patients import Patient, Whose
from spineseg.errors import DataError
from spineseg.starting.enough import Division, division


def _whose(patients: int, films_each: int = 1) -> list[Whose]:
    return [
        Whose(Patient(0, f"{patient:03d}"), f"{patient:03d}", told=True)
        for patient in range(patients)
        for _ in range(films_each)
    ]


@pytest.mark.parametrize(
    ("patients", "each", "words"),
    [
        (3, 3, "9 labelled films of 3 patients: a study needs at least 12 patients"),
        (11, 1, "1 more are missing"),
        (1, 1, "1 labelled film of 1 patient"),
    ],
)
def test_too_few_patients_are_told_with_the_number_that_is_missing(
    patients: int, each: int, words: str
) -> None:
    with pytest.raises(DataError, match=words) as error:
        division(_whose(patients, each), [])
    assert "18 with a sealed test part" in str(error.value)
    assert f"{12 - patients} more are missing. `spineseg predict DIR --weights" in str(error.value)


def test_films_that_show_one_picture_count_as_one_patient() -> None:
    with pytest.raises(DataError, match=r"12 labelled films of 11 patients.* 1 more"):
        division(_whose(12), [(0, 1)])


@pytest.mark.parametrize("patients", range(12, 18))
def test_few_patients_are_trained_on_and_compared_and_none_is_sealed(patients: int) -> None:
    found = division(_whose(patients), [])
    assert not found.can_promote and found.test_fraction == 0
    assert found.part_patients["valid"] >= 6 and found.part_patients["train"] >= 6


@pytest.mark.parametrize("patients", [18, 19, 20, 25, 30, 45, 100, 225])
def test_each_part_gets_the_patients_that_a_promotion_needs(patients: int) -> None:
    found = division(_whose(patients, 2), [])
    assert found.can_promote and min(found.part_patients.values()) >= 6
    assert sum(found.films.values()) == 2 * patients
    if patients > 40:
        assert (found.valid_fraction, found.test_fraction, found.split_seed) == (0.2, 0.2, 0)


def test_of_a_sample_the_whole_is_reckoned() -> None:
    found: Division = division(_whose(100, 2), [], of_all=2000)
    assert found.patients == 1000 and sum(found.films.values()) == 2000


def test_patients_without_a_labelled_film_count_in_no_part() -> None:
    labelled = [number % 3 > 0 for number in range(27)]
    found = division(_whose(27), [], labelled=labelled)
    assert (found.patients, found.unlabelled_patients) == (18, 9)
    assert min(found.part_patients.values()) >= 6 and sum(found.part_patients.values()) == 18
    assert sum(found.films.values()) == 27


def test_films_without_labels_are_none_of_those_that_a_study_needs() -> None:
    with pytest.raises(DataError, match=r"^11 labelled films of 11 patients.* 1 more"):
        division(_whose(30), [], labelled=[number < 11 for number in range(30)])
