"""The yardstick: COCO's own code as oracle, and numbering counted by hand."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pycocotools.mask as coco_mask
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from spineseg.errors import DataError
from spineseg.evaluation.matching import ImageRecord, load_matches, record_image, save_matches
from spineseg.evaluation.metrics import score
from spineseg.evaluation.predictor import Detection, Prediction
from spineseg.films import LabelledFilm, Outline
from spineseg.levels import CLASS_INDEX, CLASS_NAMES

SIDE = 60


def blob(rng: np.random.Generator) -> np.ndarray:
    """Return an integer-cornered quadrilateral in pixels."""
    x, y = rng.integers(2, 36, 2)
    w, h = rng.integers(6, 20, 2)
    return np.array([[x, y], [x + w, y + 1], [x + w - 1, y + h], [x + 1, y + h - 1]], float)


def rle(polygon: np.ndarray) -> dict:
    return coco_mask.merge(coco_mask.frPyObjects([polygon.ravel().tolist()], SIDE, SIDE))


def random_case(seed: int) -> list[tuple[LabelledFilm, Prediction]]:
    """Return films with labels, and detections near them, elsewhere, doubled and tied."""
    rng = np.random.default_rng(seed)
    levels = CLASS_NAMES[: int(rng.integers(1, 5))]
    films = []
    for i in range(int(rng.integers(1, 7))):
        truths = [
            (levels[int(rng.integers(len(levels)))], blob(rng))
            for _ in range(int(rng.integers(i == 0, 5)))
        ]
        detections = []
        for level, polygon in truths:
            for _ in range(int(rng.integers(0, 3))):
                detections.append((level, polygon + rng.integers(-3, 4, 2)))
        for _ in range(int(rng.integers(0, 4))):
            detections.append((levels[int(rng.integers(len(levels)))], blob(rng)))
        found = [
            Detection(
                level,
                float(rng.integers(1, 8)) / 8,
                np.zeros(24, np.float32),
                np.array([*p.min(0), *p.max(0)]),
                rle(p),
            )
            for level, p in detections
        ]
        found.sort(key=lambda d: -d.confidence)
        outlines = tuple(Outline(level, polygon / SIDE) for level, polygon in truths)
        films.append(
            (
                LabelledFilm(Path(f"film{i}.png"), outlines),
                Prediction(Path(f"film{i}.png"), SIDE, SIDE, tuple(found), 0.01),
            )
        )
    return films


def oracle(films: list[tuple[LabelledFilm, Prediction]], kind: str) -> tuple[float, float]:
    """Return mAP 50-95 and mAP 50 as pycocotools has them."""
    truths, found = [], []
    for image, (film, prediction) in enumerate(films, start=1):
        for outline in film.outlines:
            polygon = outline.points * SIDE
            # Records hold boxes to 3 decimals; an overlap of exactly one half must be so for both.
            low, high = polygon.min(0).round(3), polygon.max(0).round(3)
            truths.append(
                {
                    "id": len(truths) + 1,
                    "image_id": image,
                    "iscrowd": 0,
                    "category_id": CLASS_INDEX[outline.level] + 1,
                    "segmentation": rle(polygon),
                    "bbox": [*low.tolist(), *(high - low).tolist()],
                    "area": 100.0,
                }
            )
        for d in prediction.detections:
            found.append(
                {
                    "image_id": image,
                    "category_id": CLASS_INDEX[d.level] + 1,
                    "score": d.confidence,
                    "bbox": [*d.box[:2].tolist(), *(d.box[2:] - d.box[:2]).tolist()],
                    "segmentation": d.mask,
                }
            )
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": i + 1, "height": SIDE, "width": SIDE} for i in range(len(films))],
            "annotations": truths,
            "categories": [{"id": i + 1} for i in range(24)],
        }
        coco.createIndex()
        if not found:
            return 0.0, 0.0
        results = coco.loadRes(found)
        if kind == "bbox":
            for annotation in results.dataset["annotations"]:
                annotation.pop("segmentation", None)
        run = COCOeval(coco, results, kind)
        run.evaluate()
        run.accumulate()
        run.summarize()
    return float(run.stats[0]), float(run.stats[1])


@pytest.mark.parametrize("seed", range(40))
def test_average_precision_is_pycocotools_own(seed: int) -> None:
    films = random_case(seed)
    result = score([record_image(film, prediction) for film, prediction in films])
    for kind, both in (
        ("bbox", (result.box_map50_95, result.box_map50)),
        ("segm", (result.mask_map50_95, result.mask_map50)),
    ):
        assert both == pytest.approx(oracle(films, kind), abs=1e-6)


def record(truths: list[str], found: list[tuple[str, float, int | None]]) -> ImageRecord:
    """Return a record; each detection overlaps the label of the given number, or none."""
    overlap = [[0.9 if i == at else 0.0 for i in range(len(truths))] for _, _, at in found]
    return ImageRecord.model_validate(
        {
            "name": "x.png",
            "height": 10,
            "width": 10,
            "seconds": 0.02,
            "truths": [{"level": level, "box": (0, 0, 1, 1)} for level in truths],
            "found": [
                {
                    "level": level,
                    "confidence": c,
                    "level_scores": [0.0] * 24,
                    "box": (0, 0, 1, 1),
                    "polygon": (),
                }
                for level, c, _ in found
            ],
            "box_iou": overlap,
            "mask_iou": overlap,
        }
    )


def test_numbering_is_counted_apart_from_finding() -> None:
    result = score(
        [
            record(
                ["T5", "T6", "T7", "T8"],
                [("T5", 0.9, 0), ("T7", 0.8, 1), ("T7", 0.7, 2), ("L5", 0.6, None), ("T8", 0.1, 3)],
            )
        ]
    )
    assert result.found_rate == 0.75 and result.right_level_rate == 0.5
    assert result.off_by_one_rate == 0.25
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
    assert score([record(["T12"], [("L1", 0.9, 0)])]).off_by_one_rate == 1.0


def test_two_boxes_on_one_vertebra_count_as_found_once_and_invented_once() -> None:
    result = score([record(["T5"], [("T6", 0.9, 0), ("T5", 0.8, 0)])])
    assert (result.found_rate, result.right_level_rate, result.invented) == (1.0, 0.0, 1)


def test_perfect_detections_score_one_everywhere() -> None:
    result = score([record(["C1", "L5"], [("C1", 0.9, 0), ("L5", 0.8, 1)])] * 3)
    for value in (
        result.box_map50,
        result.mask_map50,
        result.mask_best_f1,
        result.right_level_rate,
    ):
        assert value == pytest.approx(1.0)
    assert result.mask_best_f1_confidence == pytest.approx(0.8)
    assert result.levels["T1"].mask_ap50 is None


def test_nothing_to_score_is_refused_and_not_scored_as_zero() -> None:
    with pytest.raises(DataError, match="no image has a labelled vertebra"):
        score([record([], [("T5", 0.9, None)])])
    with pytest.raises(DataError, match="not a number"):
        score([record(["T5"], [("T5", float("nan"), 0)])])


def test_matches_come_back_as_they_were_saved(tmp_path: Path) -> None:
    films = random_case(3)
    records = [record_image(film, prediction) for film, prediction in films]
    save_matches(tmp_path / "matches.json.gz", records)
    assert load_matches(tmp_path / "matches.json.gz") == records
    assert [p.name for p in tmp_path.iterdir()] == ["matches.json.gz"]
