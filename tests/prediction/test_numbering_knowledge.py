"""What is known of columns beforehand, extra levels, and records that carry the numbering."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from column_cases import HEIGHT, SLIPS, TRUNK, column_boxes, levels, scores_of, undecided

from spineseg.evaluation.counts import count_film
from spineseg.evaluation.records import FilmRecord, Found, Truth, matched_record
from spineseg.evaluation.renumber import numbered_record, numbered_records
from spineseg.evaluation.scores import score
from spineseg.films import LabelledFilm, Outline
from spineseg.levels import ANATOMICAL_ORDER, CERVICAL, CLASS_INDEX, RANK
from spineseg.prediction.detections import Detection, Prediction
from spineseg.prediction.numbered import numbered_prediction
from spineseg.prediction.numbering.columns import learnt_from
from spineseg.prediction.numbering.decoding import number_column
from spineseg.prediction.numbering.model import Columns, NumberingModel

ONE_UP = [ANATOMICAL_ORDER[RANK[level] - 1] for level in TRUNK]  # C7..L4
SEQUENCE = NumberingModel(numbering="sequence")
EXTRA = NumberingModel(numbering="sequence", transitional=True)
WITH_T13 = [*TRUNK[:12], "T13", *TRUNK[12:]]


def film(names: Sequence[str], heights: Sequence[float]) -> LabelledFilm:
    """Return a film whose outlines are lozenges at those heights, fractions of the film."""
    shape = np.array([[0.4, 0.0], [0.5, -0.01], [0.6, 0.0], [0.5, 0.01]])
    return LabelledFilm(
        Path("film.png"),
        tuple(Outline(n, shape + np.array([0, y])) for n, y in zip(names, heights, strict=True)),
    )


def framed_as(names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Return framing in which these levels are where `column_boxes` puts its bodies."""
    boxes = column_boxes(len(names))
    return {n: ((b[1] + b[3]) / 2 / HEIGHT, 0.03) for n, b in zip(names, boxes, strict=True)}


def open_scores() -> np.ndarray:
    """Return scores that leave open whether a column is T1..L5 or C7..L4."""
    return (scores_of(TRUNK) + scores_of(ONE_UP)) / 2


@pytest.mark.parametrize("column", [TRUNK, ONE_UP])
def test_spans_of_training_films_decide_a_shift_that_scores_leave_open(column: list[str]) -> None:
    known = NumberingModel(
        numbering="sequence", columns=Columns(spans={f"{column[0]}-{column[-1]}": 1.0})
    )
    assert levels(column_boxes(17), open_scores(), known) == column


@pytest.mark.parametrize("column", [TRUNK, ONE_UP])
def test_framing_decides_a_shift_that_scores_leave_open(column: list[str]) -> None:
    known = NumberingModel(numbering="sequence", columns=Columns(framing=framed_as(column)))
    assert levels(column_boxes(17), open_scores(), known) == column


@pytest.mark.parametrize("lower_px", [-HEIGHT / 3, 0, HEIGHT / 3])
@pytest.mark.parametrize("spans", [{}, {"T1-L5": 1.0}])
def test_films_that_are_framed_otherwise_are_numbered_by_their_scores(
    lower_px: float, spans: dict[str, float]
) -> None:
    known = NumberingModel(
        numbering="sequence", columns=Columns(spans=spans, framing=framed_as(TRUNK))
    )
    boxes = column_boxes(17) + np.array([0, lower_px, 0, lower_px])
    assert levels(boxes, scores_of(TRUNK, SLIPS), known) == TRUNK


def test_a_span_that_training_never_showed_is_still_possible() -> None:
    known = NumberingModel(numbering="sequence", columns=Columns(spans={"T1-L5": 1.0}))
    assert levels(column_boxes(7), scores_of(CERVICAL), known) == list(CERVICAL)


@pytest.mark.parametrize("secure", [1, 2, 3, 4, 5])
def test_t13_is_found_where_eighteen_bodies_lie_between_t1_and_l5(secure: int) -> None:
    ends = [*range(secure), *range(18 - secure, 18)]
    scores = undecided(18, {i: WITH_T13[i] for i in ends})
    assert levels(column_boxes(18), scores, EXTRA) == WITH_T13
    assert "T13" not in levels(column_boxes(18), scores)


def test_l6_is_found_below_a_secure_l5_and_only_where_it_is_allowed_for() -> None:
    scores = np.vstack([scores_of(TRUNK), np.eye(24)[[CLASS_INDEX["L5"]]] * 0.5])
    assert levels(column_boxes(18), scores, EXTRA) == [*TRUNK, "L6"]
    assert levels(column_boxes(18), scores) == [*TRUNK, None]


def test_usual_columns_have_no_extra_level_though_it_is_allowed_for() -> None:
    assert levels(column_boxes(17), scores_of(TRUNK, SLIPS), EXTRA) == TRUNK


def test_extra_levels_come_in_no_possibility_where_they_are_not_allowed_for() -> None:
    for scores in (undecided(18, {0: "T1", 17: "L5"}), undecided(18, {}), open_scores()):
        boxes = column_boxes(len(scores))
        found = number_column(boxes, scores, SEQUENCE, height_px=HEIGHT)
        assert {n.level for n in found} <= set(ANATOMICAL_ORDER)


def test_spans_and_framing_are_counted_over_films_of_both_views() -> None:
    heights = [0.05 + 0.05 * i for i in range(17)]
    frontal = [film(TRUNK, [y + 0.02 * (i % 2) for y in heights]) for i in range(12)]
    lateral = [film(CERVICAL, [0.3 + 0.05 * i for i in range(7)]) for _ in range(4)]
    learnt = learnt_from([*frontal, *lateral, film([], [])])
    assert learnt.spans == {"T1-L5": 0.75, "C1-C7": 0.25}
    assert set(learnt.framing) == set(TRUNK)  # Four films are too few for C1..C7.
    assert learnt.framing["T1"] == pytest.approx((0.06, 0.01))
    model = NumberingModel(numbering="sequence", columns=learnt)
    assert NumberingModel.model_validate_json(model.model_dump_json()) == model


def test_a_level_labelled_twice_on_five_films_is_not_on_ten() -> None:
    doubled = [film(["T1", "T1", "T2"], [0.1, 0.11, 0.2])] * 5
    assert learnt_from(doubled).framing == {}
    ten = learnt_from([*doubled, *[film(["T2"], [0.2])] * 5])
    assert ten.framing == {"T2": (pytest.approx(0.2), 0.01)}  # Never surer than that.


def test_nothing_is_learnt_from_films_without_labels() -> None:
    assert learnt_from([film([], [])]) == learnt_from([]) == Columns()


def column_record(off: dict[int, int]) -> FilmRecord:
    """Return a record of T1..L5, its detections in shuffled order, each on its own label."""
    order = np.random.default_rng(1).permutation(17)
    boxes, scores = column_boxes(17), scores_of(TRUNK, off)
    confidences = scores[order].max(axis=1) - 0.001 * np.arange(17)
    return matched_record(
        name="film.png",
        height=int(HEIGHT),
        width=400,
        seconds=0.01,
        truths=[Truth(level=lv, box=tuple(b)) for lv, b in zip(TRUNK, boxes, strict=True)],
        found=[
            Found(
                level=list(CLASS_INDEX)[int(scores[i].argmax())],
                confidence=confidence,
                level_scores=tuple(scores[i]),
                box=tuple(boxes[i]),
                polygon=(),
                boundary_px=float(i),
            )
            for i, confidence in zip(order, confidences, strict=True)
        ],
        box_iou=(np.eye(17)[order] * 0.9).tolist(),
        mask_iou=(np.eye(17)[order] * 0.8).tolist(),
    )


def test_a_numbered_record_keeps_overlaps_in_step_with_its_detections() -> None:
    before = column_record(SLIPS)
    after = numbered_record(before, SEQUENCE)
    assert after.truths == before.truths and len(after.found) >= 17
    assert len(after.found) == len(after.box_iou) == len(after.mask_iou)
    for found, box_row, mask_row in zip(after.found, after.box_iou, after.mask_iou, strict=True):
        own = int(found.boundary_px or 0)  # Says which body the detection is.
        assert found.box == pytest.approx(column_boxes(17)[own])
        assert box_row == pytest.approx(np.eye(17)[own] * 0.9)
        assert mask_row == pytest.approx(np.eye(17)[own] * 0.8)
    assert score([before]).value("right_level_rate") == pytest.approx(14 / 17)
    assert (
        score([after]).value("right_level_rate")
        == score([after]).value("whole_column_right_rate")
        == 1.0
    )
    assert numbered_records([before, before], SEQUENCE) == [after, after]


def test_plain_numbering_and_films_without_detections_stay_as_they_are() -> None:
    before = column_record(SLIPS)
    empty = before.model_copy(update={"found": (), "box_iou": (), "mask_iou": ()})
    assert numbered_record(before, NumberingModel()) == before
    assert numbered_record(empty, SEQUENCE) == empty
    nothing = Prediction(Path("film.png"), 800, 400, (), 0.1)
    assert numbered_prediction(nothing, SEQUENCE) == nothing


def test_a_numbered_prediction_keeps_each_detections_mask() -> None:
    boxes, scores = column_boxes(17), scores_of(TRUNK, SLIPS)
    detections = tuple(
        Detection(
            list(CLASS_INDEX)[int(scores[i].argmax())],
            float(scores[i].max()),
            scores[i].astype(np.float32),
            boxes[i],
            {"body": i},
        )
        for i in range(17)
    )
    before = Prediction(Path("film.png"), int(HEIGHT), 400, detections, 0.1)
    assert numbered_prediction(before, NumberingModel()) is before
    after = numbered_prediction(before, SEQUENCE)
    confidences = [d.confidence for d in after.detections]
    assert confidences == sorted(confidences, reverse=True)
    assert all((d.box == boxes[d.mask["body"]]).all() for d in after.detections)
    sure = {d.mask["body"]: d.level for d in after.detections if d.confidence > 0.5}
    assert [sure[i] for i in range(17)] == TRUNK


@pytest.mark.parametrize(("true", "name"), [("L1", "T13"), ("L5", "L6"), ("T12", "T13")])
def test_an_extra_level_scores_as_wrong_and_not_as_off_by_one(true: str, name: str) -> None:
    whole = column_record({})
    found = tuple(
        f.model_copy(update={"level": name if f.level == true else f.level}) for f in whole.found
    )
    record = whole.model_copy(update={"found": found})
    counts = count_film(record)
    assert (counts.found, counts.right, counts.off_by_one) == (17, 16, 0)
    assert counts.confusion[true] == {name: 1}
    assert score([record]).value("right_level_rate") == pytest.approx(16 / 17)
