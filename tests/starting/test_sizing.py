"""A study fits films, machine and hours; where none does, that is told."""

from __future__ import annotations

import pytest

from spineseg.config.training import TrainConfig
from spineseg.starting.sizing import Pace, Sized, sized
from spineseg.training.steps import steps_of

PACE = Pace(0.1, 0.05, 256)


def _sized(films: int = 260, *, hours: float = 2.0, **told: object) -> Sized:
    given = {"longest_px": 640, "body_share": 0.05, "pace": PACE, "on_gpu": False, "devices": 1}
    return sized(films, films // 3, hours=hours, **(given | told))


@pytest.mark.parametrize("hours", [1.0, 2.0, 5.0, 20.0])
@pytest.mark.parametrize("films", [6, 12, 40, 120, 260, 1000])
def test_a_study_takes_no_longer_than_it_may_or_says_so(films: int, hours: float) -> None:
    found = _sized(films, hours=hours)
    assert found.over_budget == (found.hours > 1.05 * hours)
    assert not (found.over_budget and films < 200)
    assert found.steps == steps_of(
        TrainConfig(
            batch=found.batch,
            nominal_batch=found.nominal_batch,
            epochs=found.epochs,
            warmup_epochs=found.warmup_epochs,
        ),
        films,
    )


@pytest.mark.parametrize(("films", "batch"), [(12, 4), (79, 4), (160, 8), (319, 8), (320, 16)])
def test_the_batch_leaves_an_epoch_twenty_steps_where_films_allow_it(
    films: int, batch: int
) -> None:
    assert _sized(films).batch == batch


def test_few_films_change_the_weights_often_all_the_same() -> None:
    few, many = _sized(12), _sized(5000, on_gpu=True, pace=Pace(0.005, 0.002, 640), hours=24)
    assert few.steps.updates >= 200 and few.nominal_batch == 4 and few.lr0 == 0.0005
    assert many.nominal_batch == 64 and many.lr0 == 0.002


def test_more_hours_buy_larger_images_more_trials_and_epochs() -> None:
    little, much = _sized(hours=0.7), _sized(hours=20)
    assert little.trainings < much.trainings
    assert little.image_size_px <= much.image_size_px and little.epochs < much.epochs


def test_two_devices_do_in_the_same_hours_what_one_does_in_twice() -> None:
    assert _sized(devices=2, hours=1).epochs == _sized(hours=2).epochs


def test_images_are_no_larger_than_films_and_bodies_do_not_vanish() -> None:
    assert _sized(12, longest_px=150).image_size_px <= 160
    thin = _sized(260, body_share=0.03)
    assert thin.image_size_px * 0.03 >= 8


def test_where_not_even_the_smallest_study_fits_it_is_told() -> None:
    found = _sized(10_000, hours=0.1)
    assert found.over_budget and found.hours > 0.1


def test_enough_seeds_are_asked_for_that_a_promotion_can_follow() -> None:
    from spineseg.evidence.significance import LEAST_SEEDS

    for hours in (0.1, 2, 100):
        for on_gpu in (False, True):
            found = _sized(hours=hours, on_gpu=on_gpu)
            assert found.seeds >= LEAST_SEEDS and found.top
