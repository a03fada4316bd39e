"""What a run's outlines measure beside what labels do: scored where a film's shape is known."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from columns import column, outlined
from matplotlib.path import Path as Polygon

from spineseg.evaluation.evaluate import evaluated_records
from spineseg.evaluation.matching import record_film
from spineseg.films import LabelledFilm
from spineseg.levels import CLASS_INDEX, LUMBAR, THORACIC, View
from spineseg.measurement.bodies import Body
from spineseg.prediction.detections import Detection, Prediction
from spineseg.prediction.film_mask import FilmMask
from spineseg.prediction.numbering.model import NumberingModel

SIZE = (640, 600)
SPINE = THORACIC + LUMBAR
NECK = ("C2", "C3", "C4", "C5", "C6", "C7")


def mask_of(corners: np.ndarray) -> np.ndarray:
    """Return which pixels have their middle inside."""
    rows, columns = np.indices(SIZE) + 0.5
    points = np.stack([columns.ravel(), rows.ravel()], 1)
    return Polygon(corners).contains_points(points).reshape(SIZE)


def found(bodies: dict[str, Body], names: dict[str, str] | None = None) -> Prediction:
    detections = []
    for level, body in bodies.items():
        scores = np.full(24, 0.001)
        name = (names or {}).get(level, level)
        scores[CLASS_INDEX[name]] = 0.9
        low, high = body.corners.min(0), body.corners.max(0)
        detections.append(
            Detection(
                level=name,
                confidence=0.9,
                level_scores=tuple(scores),
                box=(*low, *high),
                mask=FilmMask.of(mask_of(body.corners)),
            )
        )
    return Prediction(Path("a.png"), *reversed(SIZE), tuple(detections), 0.1)


def scored(labelled: dict[str, Body], told: Prediction, aspect: float | None):  # type: ignore[no-untyped-def]
    film = LabelledFilm(Path("a.png"), tuple(outlined(labelled, SIZE)), aspect)
    records = [record_film(film, told)]
    return evaluated_records(records, NumberingModel()).scores["argmax"]


def test_a_model_that_bends_a_column_otherwise_is_off_by_so_many_degrees() -> None:
    straight = column(SPINE, list(np.linspace(10, -10, 17)))
    bent = column(SPINE, list(np.linspace(16, -16, 17)))
    right = scored(straight, found(straight), 600 / 640)
    assert right.cobb_error_deg == pytest.approx(0, abs=1.5) and right.not_measured == 0
    wrong = scored(straight, found(bent), 600 / 640)
    assert wrong.cobb_error_deg == pytest.approx(12, abs=2)
    assert right.centreline_error_deg == pytest.approx(1, abs=2)
    assert wrong.centreline_error_deg == pytest.approx(10, abs=2)
    assert wrong.disc_ratio_error is None
    assert "best/cobb_error_deg" in wrong.metrics()


def test_disc_heights_are_compared_gap_by_gap() -> None:
    neck = column(NECK, [0.0] * 6)
    closer = column(NECK, [0.0] * 6, pitch=27.0)
    assert scored(neck, found(neck), 600 / 640).disc_ratio_error == pytest.approx(0, abs=0.02)
    off = scored(neck, found(closer), 600 / 640).disc_ratio_error
    assert off == pytest.approx(3 / 40, abs=0.025)


def test_nothing_is_measured_where_the_shape_is_not_known() -> None:
    bodies = column(SPINE, [0.0] * 17)
    unknown = scored(bodies, found(bodies), None)
    assert unknown.cobb_error_deg is None and unknown.not_measured == 0
    assert "best/cobb_error_deg" not in unknown.metrics()


def test_a_film_that_only_its_labels_measure_is_counted() -> None:
    bodies = column(SPINE, [0.0] * 17)
    doubled = scored(bodies, found(bodies, {"T5": "T4"}), 600 / 640)
    assert doubled.not_measured == 1 and doubled.cobb_error_deg is None
    few = scored(bodies, found(dict(list(bodies.items())[:2])), 600 / 640)
    assert few.not_measured == 1


def test_a_body_under_two_levels_is_measured_under_the_more_certain_one() -> None:
    bodies = column(SPINE, list(np.linspace(10, -10, 17)))
    told = found(bodies)
    again = dataclasses.replace(told.detections[4], level="T6", confidence=0.3)
    both = dataclasses.replace(told, detections=(*told.detections, again))
    scores = scored(bodies, both, 600 / 640)
    assert scores.not_measured == 0 and scores.cobb_error_deg == pytest.approx(0, abs=1.5)


def test_a_neck_that_is_numbered_as_a_trunk_is_not_measured() -> None:
    bodies = column(NECK, [0.0] * 6)
    named = dict(zip(NECK, THORACIC, strict=False))
    assert scored(bodies, found(bodies, named), 600 / 640).not_measured == 1


def test_the_views_have_their_own() -> None:
    bodies = column(SPINE, [0.0] * 17)
    views = scored(bodies, found(bodies), 600 / 640).views
    view: View = "frontal"
    assert views[view].cobb_error_deg is not None


def test_labels_that_cannot_be_measured_count_for_nothing() -> None:
    few = dict(list(column(SPINE, [0.0] * 17).items())[:3])
    assert scored(few, found(few), 600 / 640).not_measured == 0
