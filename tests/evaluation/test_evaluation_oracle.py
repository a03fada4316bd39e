"""Average precision against COCO's own code, on random and on adversarial films."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pycocotools.mask as coco_mask
import pytest
from film_cases import SIDE, film_case, random_case, rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from spineseg.evaluation.matching import record_film
from spineseg.evaluation.scores import score
from spineseg.films import LabelledFilm
from spineseg.levels import CLASS_INDEX, view_of
from spineseg.prediction.detections import Prediction

Films = list[tuple[LabelledFilm, Prediction]]
KINDS = {"box": "bbox", "mask": "segm"}


def dataset(films: Films, annotations: list[dict[str, Any]]) -> COCO:
    coco = COCO()
    coco.dataset = {
        "images": [{"id": i + 1, "height": SIDE, "width": SIDE} for i in range(len(films))],
        "annotations": [
            {"id": number, "iscrowd": 0, "area": 100.0, **annotation}
            for number, annotation in enumerate(annotations, start=1)
        ],
        "categories": [{"id": i + 1} for i in range(24)],
    }
    coco.createIndex()
    return coco


def oracle(films: Films, kind: str, *, levels: bool = True) -> tuple[float, float]:
    """Return mAP 50 and mAP 50-95 as pycocotools has them, by levels or without regard to them."""
    truths, found = [], []
    for image, (film, prediction) in enumerate(films, start=1):
        for outline in film.outlines:
            polygon = outline.points * SIDE
            # Overlaps are kept to 7 decimals; one of exactly one half must be so for both.
            low, high = polygon.min(0).round(3), polygon.max(0).round(3)
            truths.append(
                {
                    "image_id": image,
                    "category_id": CLASS_INDEX[outline.level] + 1,
                    "segmentation": rle(polygon),
                    "bbox": [*low.tolist(), *(high - low).tolist()],
                }
            )
        for d in prediction.detections:
            found.append(
                {
                    "image_id": image,
                    "category_id": CLASS_INDEX[d.level] + 1,
                    "score": d.confidence,
                    "bbox": [*d.box[:2].tolist(), *(d.box[2:] - d.box[:2]).tolist()],
                    "segmentation": d.mask.code,
                }
            )
    with contextlib.redirect_stdout(io.StringIO()):
        run = COCOeval(dataset(films, truths), dataset(films, found), KINDS[kind])
        run.params.useCats = int(levels)
        run.params.areaRng, run.params.areaRngLbl = [[0, 1e10]], ["all"]
        run.params.maxDets = [100]
        run.evaluate()
        run.accumulate()
    precision = run.eval["precision"][..., 0, 0]  # (thresholds, recalls, levels), -1: no labels
    return float(precision[0][precision[0] > -1].mean()), float(precision[precision > -1].mean())


def by_level(films: Films) -> Films:
    """Return labels, and detections of equal confidence, in the order of their levels.

    COCO without categories looks at them so; which of equals comes first is else arbitrary.
    """
    ordered = []
    for film, prediction in films:
        outlines = tuple(sorted(film.outlines, key=lambda o: CLASS_INDEX[o.level]))
        found = sorted(prediction.detections, key=lambda d: (-d.confidence, CLASS_INDEX[d.level]))
        ordered.append(
            (replace(film, outlines=outlines), replace(prediction, detections=tuple(found)))
        )
    return ordered


def check(films: Films) -> None:
    """Assert that all average precisions, by level, without and by view, are COCO's own."""
    films = by_level(films)
    result = score([record_film(film, prediction) for film, prediction in films])
    parts: dict[str, Films] = {}
    for film, prediction in films:
        if film.outlines:
            view = view_of([outline.level for outline in film.outlines])
            parts.setdefault(view, []).append((film, prediction))
    assert set(result.views) == set(parts)
    for kind in KINDS:
        both = (result.value(f"{kind}_map50"), result.value(f"{kind}_map50_95"))
        assert both == pytest.approx(oracle(films, kind), abs=1e-6)
        both = (result.any_level[f"{kind}_map50"], result.any_level[f"{kind}_map50_95"])
        assert both == pytest.approx(oracle(films, kind, levels=False), abs=1e-6)
        for view, part in parts.items():
            scores = result.views[view]
            both = (scores.value(f"{kind}_map50"), scores.value(f"{kind}_map50_95"))
            assert both == pytest.approx(oracle(part, kind), abs=1e-6)


def box(x: float, y: float, width: float, height: float) -> np.ndarray:
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], float)


def grid_case(seed: int) -> Films:
    """Return films of rectangles on a coarse grid, where equal overlaps and confidences abound."""
    rng = np.random.default_rng(seed)
    levels = ("C6", "C7", "T1", "T2", "T10")

    def drawn() -> tuple[str, np.ndarray]:
        x, y = rng.integers(0, 4, 2) * 5
        width, height = rng.integers(1, 5, 2) * 5
        return levels[int(rng.integers(len(levels)))], box(x, y, width, height)

    return [
        film_case(
            f"film{i}.png",
            [drawn() for _ in range(int(rng.integers(i == 0, 6)))],
            [
                (level, float(rng.integers(1, 4)) / 4, polygon)
                for level, polygon in (drawn() for _ in range(int(rng.integers(0, 25))))
            ],
        )
        for i in range(int(rng.integers(1, 6)))
    ]


A, B, C = box(2, 2, 10, 10), box(20, 2, 10, 10), box(2, 30, 10, 10)
ELSEWHERE = box(40, 40, 12, 12)
CASES: dict[str, Films] = {
    "ties in confidence": [
        film_case("1", [("T5", A)], [("T5", 0.5, ELSEWHERE), ("T5", 0.5, A), ("T5", 0.5, B)]),
        film_case("2", [("T5", A), ("T6", B)], [("T6", 0.5, B), ("T5", 0.5, C), ("T5", 0.5, A)]),
        film_case("3", [("T5", C)], [("T5", 0.5, C), ("T6", 0.5, C)]),
    ],
    "overlap of exactly one half": [
        film_case("1", [("T5", A)], [("T5", 0.9, box(2, 2, 10, 20))]),
        film_case("2", [("T5", box(2, 2, 10, 20))], [("T5", 0.8, A), ("T5", 0.7, C)]),
    ],
    "overlap of exactly three quarters": [
        film_case("1", [("T5", box(2, 2, 20, 10))], [("T5", 0.9, box(2, 2, 15, 10))]),
        film_case("2", [("C3", box(4, 3, 15, 10))], [("C3", 0.6, box(4, 3, 20, 10))]),
    ],
    "duplicate detections": [
        film_case("1", [("T5", A), ("T6", B)], [("T5", 0.9, A)] * 3 + [("T6", 0.9, B)] * 2),
        film_case("2", [("T5", A)], [("T6", 0.9, A), ("T5", 0.9, A), ("T5", 0.1, A)]),
    ],
    "duplicate labels": [
        film_case("1", [("T5", A), ("T5", A), ("T6", A)], [("T5", 0.9, A), ("T5", 0.8, A)]),
    ],
    "the 101st detection of a level is right": [
        film_case("1", [("T5", A), ("T5", B)], [("T5", 0.9, ELSEWHERE)] * 99
                  + [("T5", 0.5, A), ("T5", 0.4, B)]),
    ],
    "the 101st detection of a film is right": [
        film_case("1", [("T5", A), ("T6", B), ("T7", C)], [("T5", 0.9, ELSEWHERE)] * 50
                  + [("T6", 0.8, ELSEWHERE)] * 49 + [("T5", 0.5, A), ("T6", 0.4, B),
                                                     ("T7", 0.3, C)]),
        film_case("2", [("C3", A)], [("C3", 0.95, A)]),
    ],
    "images without labels": [
        film_case("1", [], [("T5", 0.95, A), ("T7", 0.9, B)]),
        film_case("2", [("T5", A), ("T6", B)], [("T5", 0.9, A), ("T6", 0.8, B)]),
        film_case("3", [], []),
    ],
    "levels without detections": [
        film_case("1", [("T5", A), ("T6", B), ("T7", C)], [("T6", 0.9, B)]),
        film_case("2", [("C3", A), ("C4", B)], [("T6", 0.8, A)]),
    ],
    "one-pixel masks": [
        film_case("1", [("T5", box(5, 5, 1, 1)), ("T6", box(59, 59, 1, 1))],
                  [("T5", 0.9, box(6, 5, 1, 1)), ("T5", 0.8, box(5, 5, 1, 1)),
                   ("T6", 0.7, box(59, 59, 1, 1))]),
        film_case("2", [("T5", box(0, 0, 1, 1))], [("T5", 0.6, box(0, 0, 2, 1))]),
    ],
    "a detection takes the label that a later one fits better": [
        film_case(  # The first fits both labels and takes the second; the next fits only that.
            "1",
            [("T5", box(2, 2, 10, 20)), ("T5", box(2, 5, 10, 20))],
            [("T5", 0.9, box(2, 4, 10, 20)), ("T5", 0.8, box(2, 7, 10, 20))],
        ),
        film_case(  # Half way between two labels: the last of equals.
            "2",
            [("T5", box(2, 2, 10, 20)), ("T6", box(2, 6, 10, 20))],
            [("T5", 0.9, box(2, 4, 10, 20)), ("T6", 0.8, box(2, 6, 10, 20))],
        ),
    ],
    "detections without a pixel": [
        film_case("1", [("T5", A), ("T6", B)], [("T5", 0.9, box(5, 5, 0, 0)), ("T5", 0.8, A),
                                                ("T6", 0.7, box(30, 4, 0, 6))]),
    ],
    "no detections at all": [film_case("1", [("T5", A)], []), film_case("2", [("C3", B)], [])],
    "detections of absent levels only": [film_case("1", [("T5", A)], [("L5", 0.9, A)])],
}  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_average_precision_is_pycocotools_own(seed: int) -> None:
    check(random_case(seed))


@pytest.mark.parametrize("seed", range(25))
def test_average_precision_is_pycocotools_own_where_ties_abound(seed: int) -> None:
    check(grid_case(seed))


@pytest.mark.parametrize("twentieths", range(10, 20))
def test_an_overlap_of_exactly_a_threshold_meets_it(twentieths: int) -> None:
    films = [film_case("1", [("T5", box(2, 2, 20, 10))], [("T5", 0.9, box(2, 2, twentieths, 10))])]
    check(films)
    met = score([record_film(*film) for film in films])
    assert (
        met.value("box_map50_95")
        == met.value("mask_map50_95")
        == pytest.approx((twentieths - 9) / 10)
    )


@pytest.mark.parametrize("case", CASES)
def test_average_precision_is_pycocotools_own_on_adversarial_films(case: str) -> None:
    check(CASES[case])


def test_the_adversarial_films_are_what_they_say() -> None:
    def overlap(case: str) -> list[tuple[float, float]]:
        records = [record_film(*film) for film in CASES[case]]
        return [(r.box_iou[0][0], r.mask_iou[0][0]) for r in records]

    assert overlap("overlap of exactly one half") == [(0.5, 0.5)] * 2
    assert overlap("overlap of exactly three quarters") == [(0.75, 0.75)] * 2
    pixels = CASES["one-pixel masks"][0][1].detections
    assert [int(coco_mask.area(d.mask.code)) for d in pixels] == [1, 1, 1]
    pixels = CASES["detections without a pixel"][0][1].detections
    assert [int(coco_mask.area(d.mask.code)) for d in pixels] == [0, 100, 0]


def test_a_film_s_detections_beyond_a_hundred_do_not_count() -> None:
    def scored(case: str) -> Any:
        return score([record_film(*film) for film in CASES[case]])

    of_level = scored("the 101st detection of a level is right")
    assert 0 < of_level.value("mask_map50") == of_level.any_level["mask_map50"] < 0.01
    of_film = scored("the 101st detection of a film is right")
    assert of_film.levels["T7"].mask_ap50 == pytest.approx(1.0)  # The first of its level.
