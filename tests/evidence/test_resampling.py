"""Intervals and tests: against scoring drawn films one by one, and against known answers."""

from __future__ import annotations

import numpy as np
import pytest
from film_cases import random_case

from spineseg.errors import DataError
from spineseg.evaluation.matching import record_film
from spineseg.evaluation.records import FilmRecord, Found, Truth, matched_record
from spineseg.evaluation.scores import score
from spineseg.evidence.comparison import compare_arms
from spineseg.evidence.resampling import draw_patients
from spineseg.evidence.run_matches import RunMatches
from spineseg.evidence.significance import detectable_effect, holm
from spineseg.metrics import METRICS

LEVELS = ("T5", "T6", "T7")
NAMES = [metric.name for metric in METRICS]


def records_of(seed: int) -> list[FilmRecord]:
    """Return a random case without equal confidences: COCO leaves their order open."""
    records = [record_film(film, prediction) for film, prediction in random_case(seed)]
    return [
        record.changed(
            found=[
                f.model_copy(update={"confidence": f.confidence - 1e-4 * (i + 50 * number)})
                for i, f in enumerate(record.found)
            ],
        )
        for number, record in enumerate(records)
    ]


def spine_records(right: float, films: int = 30, seed: int = 0) -> list[FilmRecord]:
    """Return films of three vertebrae, all found; about `right` of them with their level."""
    rng = np.random.default_rng(seed)
    records = []
    for number in range(films):
        levels = [lv if rng.random() < right else LEVELS[i - 1] for i, lv in enumerate(LEVELS)]
        records.append(
            matched_record(
                name=f"film{number}.jpg",
                height=10,
                width=10,
                seconds=0.01,
                truths=[Truth(level=lv, box=(0, 0, 1, 1)) for lv in LEVELS],
                found=[
                    Found(
                        level=lv,
                        confidence=float(rng.uniform(0.3, 0.9)),
                        level_scores=(0.0,) * 24,
                        box=(0, 0, 1, 1),
                        polygon=(),
                    )
                    for lv in levels
                ],
                box_iou=(np.eye(3) * 0.8).tolist(),
                mask_iou=(np.eye(3) * 0.8).tolist(),
            )
        )
    return records


def one_patient_each(run: RunMatches) -> list[str]:
    return list(run.films)


@pytest.mark.parametrize("seed", range(30))
def test_a_resample_scores_as_its_films_would_one_by_one(seed: int) -> None:
    records = records_of(seed)
    drawn = np.random.default_rng(seed).integers(0, 3, (4, len(records)))
    drawn[0] = 1
    run = RunMatches.of(records)
    for weights in drawn:
        sample = [r for r, n in zip(records, weights, strict=True) for _ in range(n)]
        if not any(record.truths for record in sample):
            continue
        wanted = score(sample)
        for metric in NAMES:
            found = float(run.scores(metric, weights[None].astype(np.float32))[0])
            # Where a recall is k/100 to the last bit, COCO's own table of recalls may miss it.
            assert found == pytest.approx(wanted.value(metric), abs=2e-3), metric


@pytest.mark.parametrize("seed", range(30))
def test_each_film_once_scores_as_the_evaluator(seed: int) -> None:
    records = records_of(seed)
    run, wanted = RunMatches.of(records), score(records)
    for metric in NAMES:
        assert run.score(metric) == pytest.approx(wanted.value(metric), abs=2e-3), metric


def test_a_resample_without_any_label_is_not_a_number() -> None:
    run = RunMatches.of(spine_records(0.5, films=3))
    assert np.isnan(run.scores("mask_map50_95", np.zeros((1, 3), np.float32))[0])


def test_films_of_one_patient_are_drawn_together() -> None:
    weights = draw_patients(["a", "a", "b", "c"], 200, 0)
    assert (weights[:, 0] == weights[:, 1]).all() and weights.std() > 0
    assert (weights[:, 1:].sum(axis=1) == 3).all()


def test_a_clear_gain_lies_clear_of_zero_and_equal_arms_do_not() -> None:
    arms = {
        share: [RunMatches.of(spine_records(share, seed=s + int(share * 100))) for s in range(4)]
        for share in (0.4, 0.9)
    }
    patients = one_patient_each(arms[0.4][0])
    gain = compare_arms(arms[0.4], arms[0.9], patients, "right_level_rate")
    assert gain.low > 0 and gain.p < 0.05 and gain.difference > 0.3
    assert gain.low < gain.difference < gain.high
    same = compare_arms(arms[0.4][:2], arms[0.4][2:], patients, "mask_map50")
    assert same.low < 0 < same.high and same.p > 0.05
    none = compare_arms(arms[0.4], arms[0.4], patients, "mask_map50")
    assert none.difference == 0 and none.p == 1.0


def test_noise_between_seeds_widens_the_interval() -> None:
    runs = [RunMatches.of(spine_records(share, seed=3)) for share in (0.3, 0.5, 0.7, 0.9)]
    patients = one_patient_each(runs[0])
    steady = compare_arms(runs[1:2], runs[2:3], patients, "right_level_rate")
    noisy = compare_arms([runs[0], runs[2]], [runs[1], runs[3]], patients, "right_level_rate")
    assert noisy.high - noisy.low > 1.5 * (steady.high - steady.low)


def test_a_single_run_borrows_the_noise_of_the_other_arm() -> None:
    base = [RunMatches.of(spine_records(share, seed=3)) for share in (0.3, 0.5, 0.7)]
    patients = one_patient_each(base[0])
    alone = compare_arms(base[1:2], base[2:], patients, "right_level_rate")
    beside = compare_arms(base, base[2:], patients, "right_level_rate")
    assert beside.high - beside.low > alone.high - alone.low


def test_correlated_films_of_few_patients_give_a_wider_interval() -> None:
    before, after = (
        [RunMatches.of(spine_records(share, films=40, seed=1))] for share in (0.4, 0.6)
    )
    films = one_patient_each(before[0])
    wide = compare_arms(before, after, [f"p{i // 10}" for i in range(40)], "mask_map50")
    narrow = compare_arms(before, after, films, "mask_map50")
    assert wide.high - wide.low > narrow.high - narrow.low


def test_holm_corrects_as_published() -> None:
    """Figures as R's p.adjust gives them."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_the_detectable_effect_is_nearly_the_t_tests() -> None:
    """Four seeds tell 3 standard deviations, six tell 2, seventeen tell 1 (Cohen's tables)."""
    for seeds, effect in ((4, 3.0), (6, 2.0), (17, 1.0)):
        assert detectable_effect(seeds) <= effect < detectable_effect(seeds - 1)
    with pytest.raises(ValueError, match="two are the least"):
        detectable_effect(1)


def test_what_cannot_be_compared_is_refused() -> None:
    run = RunMatches.of(spine_records(0.5))
    fewer = RunMatches.of(spine_records(0.5, films=5))
    with pytest.raises(DataError, match="different films"):
        compare_arms([run], [fewer], list(run.films), "mask_map50")
    with pytest.raises(DataError, match="no run with matches"):
        compare_arms([run], [], list(run.films), "mask_map50")
    with pytest.raises(DataError, match="no labelled vertebra"):
        RunMatches.of([r.model_copy(update={"truths": ()}) for r in spine_records(0.5, films=2)])
    bad = spine_records(0.5, films=2)[0]
    found = bad.found[0].model_copy(update={"confidence": float("nan")})
    with pytest.raises(DataError, match="no number"):
        RunMatches.of([bad.model_copy(update={"found": (found, *bad.found[1:])})])
