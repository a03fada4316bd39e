"""The noise of two arms: known tests where one is alone, the guards, and simulated studies."""

from __future__ import annotations

import numpy as np
import pytest
from evidence_factory import effect
from scipy.stats import ttest_ind, ttest_rel

from spineseg.evidence.comparison import compare_arms
from spineseg.evidence.crossed import noise_of
from spineseg.evidence.run_matches import RunMatches
from spineseg.evidence.significance import detectable_effect

METRIC = "right_level_rate"
LABELLED = 100_000  # So many a film that rounding to whole vertebrae is no noise.


def run_of(scores: np.ndarray, labelled: np.ndarray | None = None) -> RunMatches:
    """Return a run with these shares of right levels, (films,)."""
    whole = np.full(len(scores), float(LABELLED)) if labelled is None else labelled
    names = ("labelled", "right", "found", "off_by_one", "whole_columns_right", "labelled_films")
    counts = dict.fromkeys(names, whole) | {"right": np.round(whole * scores)}
    films = tuple(f"film{i}" for i in range(len(scores)))
    return RunMatches(films, {"mask": (), "box": ()}, counts)


def study(
    rng: np.random.Generator,
    patients: int,
    seeds: int,
    by_patients: float = 0,
    by_seeds: float = 0,
    by_both: float = 0,
) -> list[np.ndarray]:
    """Return two arms alike in truth, (patients, seeds) each; noises as standard deviations."""
    return [
        0.5
        + by_patients * rng.normal(size=(patients, 1))
        + by_seeds * rng.normal(size=(1, seeds))
        + by_both * rng.normal(size=(patients, seeds))
        for _ in range(2)
    ]


def compared(arms: list[np.ndarray]) -> object:
    runs = [[run_of(column) for column in arm.T] for arm in arms]
    return compare_arms(*runs, list(runs[0][0].films), METRIC)


def test_where_a_seed_suits_some_patients_the_interval_is_not_too_wide() -> None:
    """A bootstrap of patients and of seeds has this noise in it three times: 1.6 times as wide."""
    rng = np.random.default_rng(0)
    found = [compared(study(rng, 24, 5, by_both=0.05)) for _ in range(300)]
    ideal = 1.96 * 0.05 * np.sqrt(2 / (24 * 5))
    width = np.mean([(one.high - one.low) / 2 for one in found]) / ideal
    held = np.mean([one.low <= 0 <= one.high for one in found])
    assert width < 1.3 and 0.93 <= held <= 0.98


def test_where_patients_and_seeds_both_matter_p_is_not_liberal() -> None:
    """The larger of a test over patients and one over seeds falls below 0.05 in 9 of 100."""
    rng = np.random.default_rng(1)
    both = {"by_patients": 0.05 * np.sqrt(46), "by_seeds": 0.05 * np.sqrt(5)}
    found = [compared(study(rng, 46, 5, **both)) for _ in range(500)]
    assert np.mean([one.p < 0.05 for one in found]) < 0.06


def test_interval_and_p_agree_whatever_the_noise() -> None:
    rng = np.random.default_rng(2)
    for seeds, noise in ((2, (1, 1, 1)), (5, (1, 0, 0)), (3, (0, 1, 0)), (4, (0, 0, 1))):
        before, after = np.stack([study(rng, 8, seeds, *noise) for _ in range(400)], axis=1)
        apart = after.mean(axis=(1, 2)) - before.mean(axis=(1, 2))
        tested = noise_of(before, after)
        for error in (0.05, 0.01):
            clear = np.abs(apart) > tested.half_width(error)
            assert (clear == (tested.p_value(apart) < error)).all()
        assert (tested.half_width(0.01) > tested.half_width(0.05)).all()


def test_of_one_run_each_it_is_the_paired_t_test_over_patients() -> None:
    before, after = study(np.random.default_rng(3), 12, 1, by_patients=0.1)
    apart = float(after.mean() - before.mean())
    p = ttest_rel(after[:, 0], before[:, 0]).pvalue
    assert noise_of(before, after).p_value(apart) == pytest.approx(p)


def test_of_seeds_that_differ_alike_it_is_the_t_test_over_runs() -> None:
    seeds = np.array([[0.1, 0.4, 0.3, 0.6]]) + np.zeros((9, 1))
    after = 0.3 + seeds
    p = ttest_ind(after[0], seeds[0]).pvalue
    assert noise_of(seeds, after).p_value(0.3) == pytest.approx(p)


def test_noise_of_seeds_with_patients_is_counted_once() -> None:
    rng = np.random.default_rng(4)
    before, after = np.stack([study(rng, 24, 5, 0.3, 0.1, 0.5) for _ in range(4000)], axis=1)
    noise = noise_of(before, after)
    found = (noise.patients + noise.seeds - noise.interaction).mean()
    true = 2 * (0.3**2 / 24 + 0.1**2 / 5 + 0.5**2 / (24 * 5))
    assert found == pytest.approx(true, rel=0.02)


def test_a_noise_of_patients_that_comes_out_below_none_lends_nothing() -> None:
    """The interval stays that of the seeds: it is never taken below by what is subtracted."""
    rng = np.random.default_rng(5)
    before, after = np.stack([study(rng, 8, 5, 0, 0.1, 1) for _ in range(2000)], axis=1)
    noise = noise_of(before, after)
    seeds = noise._replace(patients=0 * noise.patients, interaction=0 * noise.interaction)
    assert (noise.patients < noise.interaction).any()
    assert (noise.half_width(0.05) >= seeds.half_width(0.05) * (1 - 1e-9)).all()


def test_a_metric_that_rests_on_one_patient_tells_nothing() -> None:
    labelled = np.array([LABELLED, 0.0, 0.0])
    arms = [[run_of(np.array([s, 0, 0]), labelled) for s in some] for some in ((0.2, 0.3), (0.8,))]
    found = compare_arms(*arms, ["a", "b", "c"], METRIC)
    assert (found.low, found.high, found.p) == (-1, 1, 1)
    alone = compare_arms(*arms, ["a", "a", "a"], METRIC)
    assert (alone.low, alone.high, alone.p) == (-1, 1, 1)


def test_patients_without_a_label_do_not_count_as_patients() -> None:
    rng = np.random.default_rng(6)
    arms = study(rng, 6, 3, 0.1, 0.05, 0.05)
    more = np.concatenate([np.full(6, float(LABELLED)), np.zeros(40)])
    wider = [
        [run_of(np.concatenate([column, np.zeros(40)]), more) for column in arm.T] for arm in arms
    ]
    assert compare_arms(*wider, [str(i) for i in range(46)], METRIC) == pytest.approx(
        compared(arms)
    )


def test_five_patients_who_happen_to_be_alike_are_no_proof() -> None:
    arms = [level + np.array([[0, 0.001, 0.002]] * 5) for level in (0.3, 0.6)]
    assert compared(arms).p == 2**-4
    assert compared([np.concatenate([arm, arm[:1]]) for arm in arms]).p == 2**-5


def test_films_of_one_patient_leave_together() -> None:
    rng = np.random.default_rng(7)
    arms = study(rng, 6, 3, 0.1, 0.05, 0.05)
    twice = [[run_of(np.repeat(column, 2)) for column in arm.T] for arm in arms]
    found = compare_arms(*twice, [str(i // 2) for i in range(12)], METRIC)
    assert found == pytest.approx(compared(arms))


def test_better_may_be_asked_for_at_a_smaller_error() -> None:
    known = effect("x", 0.03, p=0.02)
    assert known.verdict == "better"
    assert known.model_copy(update={"error": 0.01}).verdict == "not told apart"


def test_the_detectable_gain_is_told_in_80_of_100_studies() -> None:
    rng = np.random.default_rng(8)
    for seeds in (3, 5):
        before, after = np.stack([study(rng, 6, seeds, 0, 1, 0) for _ in range(4000)], axis=1)
        after = after + detectable_effect(seeds)
        apart = after.mean(axis=(1, 2)) - before.mean(axis=(1, 2))
        told = (apart > noise_of(before, after).half_width(0.05)).mean()
        assert told == pytest.approx(0.8, abs=0.02)
    assert detectable_effect(5, finalists=3) > detectable_effect(5)
