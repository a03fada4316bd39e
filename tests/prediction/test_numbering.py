"""Columns numbered as a whole: built by hand, with what networks do wrong on them."""

from __future__ import annotations

import numpy as np
import pytest
from column_cases import (
    HEIGHT,
    SEQUENCE,
    SLIPS,
    TRUNK,
    WIDTH,
    _best_ranks,
    column_boxes,
    levels,
    numbered,
    scores_of,
    undecided,
)

from spineseg.levels import ANATOMICAL_ORDER, CERVICAL, CLASS_INDEX, RANK
from spineseg.prediction.numbering.decoding import number_column
from spineseg.prediction.numbering.model import Columns, NumberingModel


def test_single_levels_off_by_one_are_put_right() -> None:
    scores = scores_of(TRUNK, SLIPS)
    assert [ANATOMICAL_ORDER[r] for r in _best_ranks(scores)] != TRUNK
    assert levels(column_boxes(17), scores) == TRUNK


def test_a_level_that_the_network_names_twice_is_there_once() -> None:
    scores = scores_of(TRUNK, {6: 1})
    assert _best_ranks(scores)[6] == _best_ranks(scores)[7]
    found = numbered(column_boxes(17), scores)
    assert sorted(RANK[n.level] for n in found if n.chosen) == list(range(7, 24))


def test_detections_may_come_in_any_order() -> None:
    shuffled = np.random.default_rng(2).permutation(17)
    found = levels(column_boxes(17)[shuffled], scores_of(TRUNK, SLIPS)[shuffled])
    assert found == [TRUNK[i] for i in shuffled]


@pytest.mark.parametrize("missed", range(1, 16))
def test_a_missed_vertebra_leaves_a_gap_in_the_numbering(missed: int) -> None:
    boxes = np.delete(column_boxes(17), missed, axis=0)
    scores = np.delete(scores_of(TRUNK, {4: 1, 11: -1}), missed, axis=0)
    assert levels(boxes, scores) == TRUNK[:missed] + TRUNK[missed + 1 :]


@pytest.mark.parametrize("first", range(5, 11))
def test_two_missed_vertebrae_leave_two(first: int) -> None:
    two = [first, first + 1]
    boxes, scores = np.delete(column_boxes(17), two, 0), np.delete(scores_of(TRUNK), two, 0)
    assert levels(boxes, scores) == TRUNK[:first] + TRUNK[first + 2 :]


@pytest.mark.parametrize("first", range(1, 15))
def test_two_missed_vertebrae_near_an_end_leave_two_where_the_span_is_known(first: int) -> None:
    two = [first, first + 1]
    boxes, scores = np.delete(column_boxes(17), two, 0), np.delete(scores_of(TRUNK), two, 0)
    known = NumberingModel(numbering="sequence", columns=Columns(spans={"T1-L5": 1.0}))
    assert levels(boxes, scores, known) == TRUNK[:first] + TRUNK[first + 2 :]


def test_two_detections_of_one_body_give_one_vertebra() -> None:
    boxes = np.vstack([column_boxes(17), column_boxes(17)[6:7] + 4])
    scores = np.vstack([scores_of(TRUNK), scores_of(["T8"], peak=0.5)])
    assert levels(boxes, scores) == [*TRUNK, None]
    assert 17 not in [n.detection for n in numbered(boxes, scores)]


def test_boxes_around_one_point_are_one_body() -> None:
    sides = np.array([4, 8, 16, 32, 64])
    boxes = np.stack([100 - sides, 100 - sides, 100 + sides, 100 + sides], axis=1).astype(float)
    assert {n.detection for n in numbered(boxes, scores_of(TRUNK[:5]))} == {0}


@pytest.mark.parametrize("confidence", [0.1, 0.3, 0.5])
@pytest.mark.parametrize("where", ["between", "above", "just above", "beside"])
def test_a_false_detection_is_no_vertebra(where: str, confidence: float) -> None:
    boxes = column_boxes(17, top=120)
    false = {
        "between": (boxes[5] + boxes[6]) / 2,
        "above": boxes[0] - [0, 80, 0, 80],
        "just above": boxes[0] - [0, 37, 0, 37],
        "beside": boxes[5] + [150, 0, 150, 0],
    }[where]
    scores = np.vstack([scores_of(TRUNK), np.eye(24)[[CLASS_INDEX["T6"]]] * confidence])
    found = numbered(np.vstack([boxes, false]), scores)
    assert [n.level for n in found if n.detection == 17 and n.chosen] == []
    assert all(n.confidence <= confidence / 2 for n in found if n.detection == 17)
    assert levels(np.vstack([boxes, false]), scores) == [*TRUNK, None]


_WAYS = {
    "flipped": (lambda b: b * [-1, 1, -1, 1] + [WIDTH, 0, WIDTH, 0]),
    "upside down": (lambda b: b * [1, -1, 1, -1] + [0, HEIGHT, 0, HEIGHT]),
    "turned left": (lambda b: b[:, [1, 0, 3, 2]] * [1, -1, 1, -1] + [0, WIDTH, 0, WIDTH]),
    "turned right": (lambda b: b[:, [1, 0, 3, 2]] * [-1, 1, -1, 1] + [HEIGHT, 0, HEIGHT, 0]),
    "broad": (lambda b: b * [2.5, 1, 2.5, 1]),
    "narrow": (lambda b: b * [0.4, 1, 0.4, 1]),
    "tall": (lambda b: b * [1, 2.5, 1, 2.5]),
    "low": (lambda b: b * [1, 0.4, 1, 0.4]),
}


@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.parametrize("missed", [[], [9]])
def test_flipped_turned_and_stretched_films_are_numbered_alike(way: str, missed: list[int]) -> None:
    moved = _WAYS[way](np.delete(column_boxes(17, bend_px=30), missed, axis=0))
    boxes = np.hstack(
        [np.minimum(moved[:, :2], moved[:, 2:]), np.maximum(moved[:, :2], moved[:, 2:])]
    )
    scores = np.delete(scores_of(TRUNK, SLIPS), missed, axis=0)
    assert levels(boxes, scores) == [lv for i, lv in enumerate(TRUNK) if i not in missed]


@pytest.mark.parametrize("bend_px", [40.0, 80.0, 120.0])
def test_scoliotic_columns_are_followed_around_their_bends(bend_px: float) -> None:
    assert levels(column_boxes(17, bend_px), scores_of(TRUNK, SLIPS)) == TRUNK


def test_necks_on_lateral_films_are_numbered() -> None:
    boxes = column_boxes(7, bend_px=25)
    assert levels(boxes, scores_of(CERVICAL, {2: 1, 5: -1})) == list(CERVICAL)
    left = [0, 1, 2, 4, 5, 6]
    assert levels(boxes[left], scores_of(CERVICAL)[left]) == [CERVICAL[i] for i in left]


@pytest.mark.parametrize("anchor", range(17))
def test_one_secure_body_numbers_the_whole_column(anchor: int) -> None:
    scores = undecided(17, {anchor: TRUNK[anchor]})
    assert levels(column_boxes(17), scores) == TRUNK
    assert levels(column_boxes(17)[::-1], scores[::-1]) == TRUNK[::-1]


def test_few_detections_and_none_are_numbered_by_their_scores() -> None:
    assert number_column(np.zeros((0, 4)), np.zeros((0, 24)), SEQUENCE, height_px=HEIGHT) == []
    assert levels(column_boxes(1), scores_of(["T7"])) == ["T7"]
    assert levels(column_boxes(2), scores_of(["T7", "T8"])) == ["T7", "T8"]
    assert levels(column_boxes(2), scores_of(["T8", "T7"])) == ["T8", "T7"]  # Upside down.


def test_more_detections_than_a_column_can_have_do_not_hide_it() -> None:
    rng = np.random.default_rng(0)
    centres = np.stack([rng.uniform(300, 380, 60), rng.uniform(20, 780, 60)], axis=1)
    boxes = np.vstack([column_boxes(17), np.hstack([centres - 6, centres + 6])])
    faint = np.zeros((60, 24))
    faint[np.arange(60), rng.integers(0, 24, 60)] = rng.uniform(0.005, 0.05, 60)
    found = levels(boxes, np.vstack([scores_of(TRUNK, SLIPS), faint]))
    assert found == TRUNK + [None] * 60


@pytest.mark.parametrize("share", [0.0, 0.001, 0.03, 1.0])
@pytest.mark.parametrize("count", [1, 2, 17, 60])
def test_scores_that_say_nothing_give_levels_in_order_or_none(count: int, share: float) -> None:
    found = [lv for lv in levels(column_boxes(count), np.full((count, 24), share)) if lv]
    ranks = [RANK[level] for level in found]
    assert ranks == sorted(ranks)
    assert len(ranks) == (min(count, 24) if share >= 0.03 else 0)


def test_boxes_without_size_are_numbered_by_their_places() -> None:
    points = column_boxes(17)
    points[:, 2:] = points[:, :2]
    assert levels(points, scores_of(TRUNK, SLIPS)) == TRUNK
    assert levels(points[[0] * 6], scores_of(["T1"] * 6)) == ["T1"] + [None] * 5


@pytest.mark.parametrize("seed", range(60))
def test_whatever_is_detected_confidences_are_sound_and_no_level_comes_twice(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 60))
    corners = rng.uniform(-50, 900, (count, 2, 2)).round(-2 if seed % 3 == 0 else 3)
    scores = rng.uniform(0, 1, (count, 24)) ** rng.integers(1, 9)
    if seed % 4 == 0:
        scores *= rng.random((count, 24)) < 0.1
    model = NumberingModel(
        numbering="sequence",
        transitional=bool(seed % 2),
        columns=Columns(
            spans={"T1-L5": 0.7, "C1-C7": 0.3} if seed % 5 else {},
            framing={"T1": (0.1, 0.02), "L5": (0.9, 0.02)} if seed % 3 else {},
        ),
    )
    assert numbered(np.hstack([corners.min(axis=1), corners.max(axis=1)]), scores, model)
