"""The yardstick: numbering, fit of outlines, views and curves, counted by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from film_cases import random_case, record

from spineseg.errors import DataError
from spineseg.evaluation.matching import record_film
from spineseg.evaluation.records import load_records, save_records
from spineseg.evaluation.scores import score


def test_numbering_is_counted_apart_from_finding() -> None:
    result = score(
        [
            record(
                ["T5", "T6", "T7", "T8"],
                [("T5", 0.9, 0), ("T7", 0.8, 1), ("T7", 0.7, 2), ("L5", 0.6, None), ("T8", 0.1, 3)],
            )
        ]
    )
    assert result.value("found_rate") == 0.75 and result.value("right_level_rate") == 0.5
    assert result.value("off_by_one_rate") == 0.25
    assert (result.missed, result.invented, result.doubled) == (1, 1, 1)
    assert result.confusion == {
        "T5": {"T5": 1},
        "T6": {"T7": 1},
        "T7": {"T7": 1},
        "T8": {"missed": 1},
        "background": {"L5": 1},
    }
    assert result.levels["T6"].found == 1 and result.levels["T6"].right == 0


def test_t12_and_l1_are_neighbours() -> None:
    assert score([record(["T12"], [("L1", 0.9, 0)])]).value("off_by_one_rate") == 1.0


def test_a_level_outside_the_24_is_wrong_and_not_off_by_one() -> None:
    result = score([record(["T12", "L1"], [("T13", 0.9, 0), ("T13", 0.8, 1), ("T13", 0.7, None)])])
    assert (
        result.value("found_rate"),
        result.value("right_level_rate"),
        result.value("off_by_one_rate"),
    ) == (1.0, 0.0, 0.0)
    assert result.value("whole_column_right_rate") == 0.0
    assert (result.missed, result.invented, result.doubled) == (0, 1, 2)
    assert result.confusion == {"T12": {"T13": 1}, "L1": {"T13": 1}, "background": {"T13": 1}}
    assert result.value("mask_map50") == 0.0 and result.any_level["mask_map50"] == pytest.approx(
        1.0
    )


def test_a_column_is_right_when_every_label_on_the_film_is_found_with_its_level() -> None:
    right = record(["T5", "T6"], [("T5", 0.9, 0), ("T6", 0.8, 1)])
    right_and_one_too_many = record(["T5"], [("T5", 0.9, 0), ("T6", 0.8, None)])
    one_wrong = record(["T5", "T6"], [("T5", 0.9, 0), ("T7", 0.8, 1)])
    one_missed = record(["T5", "T6"], [("T5", 0.9, 0)])
    one_uncertain = record(["T5", "T6"], [("T5", 0.9, 0), ("T6", 0.2, 1)])
    unlabelled = record([], [("T5", 0.9, None)])
    films = [right, right_and_one_too_many, one_wrong, one_missed, one_uncertain, unlabelled]
    assert score(films).value("whole_column_right_rate") == pytest.approx(2 / 5)


def test_dice_is_the_mean_over_found_vertebrae_whatever_their_level() -> None:
    films = [
        record(["T5", "T6"], [("T5", 0.9, 0), ("T8", 0.8, 1)], iou=0.6),  # Dice 1.2 / 1.6 = 3/4
        record(["T5"], [("T5", 0.9, 0)], iou=1.0),
        record(["T5"], [("T5", 0.9, 0)], iou=0.49),  # not found
        record(["T5"], [("T5", 0.2, 0)], iou=0.8),  # not certain enough
    ]
    assert score(films).mean_dice == pytest.approx((0.75 + 0.75 + 1.0) / 3)


def test_outline_distance_is_the_mean_over_found_vertebrae_that_have_one() -> None:
    films = [
        record(["T5", "T6"], [("T5", 0.9, 0), ("T6", 0.8, 1)], boundary_px=1.0),
        record(["T5"], [("T5", 0.9, 0), ("T5", 0.8, 0)], boundary_px=4.0),  # The second: invented.
        record(["T5"], [("T5", 0.9, 0)], boundary_px=None),
    ]
    assert score(films).mean_boundary_px == pytest.approx(2.0)


@pytest.mark.parametrize("found", [[], [("T5", 0.9, None)], [("T5", 0.2, 0)]])
def test_where_nothing_is_found_outlines_have_no_score(
    found: list[tuple[str, float, int | None]],
) -> None:
    result = score([record(["T5"], found, boundary_px=1.0)])
    assert result.value("found_rate") == 0.0
    assert result.mean_dice is None and result.mean_boundary_px is None
    assert "best/mean_dice" not in result.metrics()
    assert "best/mean_boundary_px" not in result.metrics()


def test_each_view_is_scored_on_its_own_films_and_levels() -> None:
    result = score(
        [
            record(["C6", "C7", "T1"], [("C6", 0.9, 0), ("T1", 0.8, 1)]),
            record(["T1", "T2"], [("T1", 0.9, 0), ("T2", 0.8, 1)], iou=0.6),
            record([], [("T1", 1.0, None)]),  # No label says which view this is.
        ]
    )
    lateral, frontal = result.views["lateral"], result.views["frontal"]
    assert (lateral.films, lateral.instances, frontal.films, frontal.instances) == (1, 3, 1, 2)
    assert lateral.value("mask_map50") == pytest.approx(1 / 3) and frontal.scores[
        "mask_map50"
    ] == pytest.approx(1)
    assert frontal.value("mask_map50_95") == pytest.approx(0.3)  # IoU 0.6 meets 3 of 10 thresholds.
    assert frontal.value("box_map50_95") == pytest.approx(0.9)
    assert lateral.value("found_rate") == pytest.approx(2 / 3)
    assert (lateral.value("off_by_one_rate"), lateral.missed) == (pytest.approx(1 / 3), 1)
    assert (lateral.invented, frontal.invented, result.invented) == (0, 0, 1)
    assert (
        lateral.value("whole_column_right_rate"),
        frontal.value("whole_column_right_rate"),
    ) == (0.0, 1.0)
    assert frontal.mean_dice == pytest.approx(0.75)
    assert result.metrics()["best/lateral/mask_map50"] == pytest.approx(1 / 3)


def test_a_view_without_labelled_films_is_left_out() -> None:
    result = score([record(["T5"], [("T5", 0.9, 0)])])
    assert list(result.views) == ["frontal"]
    assert not any("lateral" in name for name in result.metrics())


def test_box_and_mask_curves_are_means_over_levels_at_each_confidence() -> None:
    found = [("T5", 0.9, 0), ("T5", 0.62, None), ("T5", 0.3, 1)]
    result = score([record(["T5", "T5", "T6"], found, iou=0.4, box_iou=0.52)])
    curve = result.f1_curve
    at = [curve["confidence"].index(c) for c in (0.1, 0.5, 0.7, 0.95)]

    def read(name: str) -> list[float]:
        return [curve[name][i] for i in at]

    # T6 is never found: precision 1 for want of detections, recall 0.
    assert read("box_precision") == pytest.approx([(2 / 3 + 1) / 2, 0.75, 1.0, 1.0], abs=1e-5)
    assert read("box_recall") == pytest.approx([0.5, 0.25, 0.25, 0.0], abs=1e-5)
    assert read("box_f1") == pytest.approx([0.4, 0.25, 1 / 3, 0.0], abs=1e-5)
    assert read("mask_precision") == pytest.approx([0.5, 0.5, 0.5, 1.0], abs=1e-5)
    assert read("mask_recall") == read("mask_f1") == [0.0] * 4
    assert result.box_best_f1 == pytest.approx(0.4)
    assert result.box_best_f1_confidence == pytest.approx(0.3)


def test_two_boxes_on_one_vertebra_count_as_found_once_and_invented_once() -> None:
    result = score([record(["T5"], [("T6", 0.9, 0), ("T5", 0.8, 0)])])
    assert (result.value("found_rate"), result.value("right_level_rate"), result.invented) == (
        1.0,
        0.0,
        1,
    )


def test_perfect_detections_score_one_everywhere() -> None:
    result = score([record(["C1", "L5"], [("C1", 0.9, 0), ("L5", 0.8, 1)])] * 3)
    for value in (
        result.value("box_map50"),
        result.value("mask_map50"),
        result.mask_best_f1,
        result.value("right_level_rate"),
    ):
        assert value == pytest.approx(1.0)
    assert result.mask_best_f1_confidence == pytest.approx(0.8)
    assert result.levels["T1"].mask_ap50 is None


def test_nothing_to_score_is_refused_and_not_scored_as_zero() -> None:
    with pytest.raises(DataError, match="no film has a labelled vertebra"):
        score([record([], [("T5", 0.9, None)])])
    with pytest.raises(DataError, match="not a number"):
        score([record(["T5"], [("T5", float("nan"), 0)])])


def test_matches_come_back_as_they_were_saved(tmp_path: Path) -> None:
    films = random_case(3)
    records = [record_film(film, prediction) for film, prediction in films]
    save_records(tmp_path / "matches.json.gz", records)
    assert load_records(tmp_path / "matches.json.gz") == records
    assert [p.name for p in tmp_path.iterdir()] == ["matches.json.gz"]
