"""The door to Ultralytics' prediction, with a real though untrained network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pycocotools.mask as coco_mask
import pytest
from PIL import Image

from spineseg.errors import DataError, WeightsError
from spineseg.levels import CLASS_INDEX, CLASS_NAMES
from spineseg.phantom.film import render_film
from spineseg.prediction.film_mask import FilmMask
from spineseg.prediction.outlines import mask_outline, prediction_as_json
from spineseg.prediction.segmenter import load_segmenter


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_network(tmp_path_factory.mktemp("weights") / "tiny.pt", list(CLASS_NAMES))


def save_network(path: Path, names: list[str], task: str = "seg") -> Path:
    import torch
    from ultralytics import YOLO

    torch.manual_seed(0)
    model = YOLO(f"yolo11n{'-seg' if task == 'seg' else ''}.yaml", verbose=False)
    network = type(model.model)(model.model.yaml, nc=len(names), verbose=False)
    # An untrained head says next to nothing of any class; lift it so that it detects.
    for branch in network.model[-1].cv3:
        torch.nn.init.normal_(branch[-1].bias, -2.0, 0.5)
    network.names = dict(enumerate(names))
    torch.save({"model": network.half(), "train_args": {"imgsz": 96, "task": "segment"}}, path)
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "film with space, Плёнка.png"
    image = render_film("frontal", 128, 1).pixels
    Image.fromarray(np.pad(image, ((0, 0), (0, 40)))).save(path)  # Not square.
    return path


def test_masks_have_the_films_own_size_and_levels_their_scores(weights: Path, film: Path) -> None:
    prediction = load_segmenter(weights, image_size_px=96).predict(film)
    assert (prediction.height, prediction.width) == (128, 168)
    assert 0 < len(prediction.detections) <= 100
    confidences = [d.confidence for d in prediction.detections]
    assert confidences == sorted(confidences, reverse=True)
    for d in prediction.detections:
        assert coco_mask.decode(d.mask.code).shape == (128, 168)
        assert d.level_scores.shape == (24,)
        assert d.level_scores[CLASS_INDEX[d.level]] == pytest.approx(d.confidence, abs=1e-5)


def test_boxes_and_confidences_are_ultralytics_own(weights: Path, film: Path) -> None:
    from ultralytics import YOLO

    theirs = YOLO(weights)(film, imgsz=96, conf=0.2, rect=False, verbose=False, max_det=100)[0]
    ours = load_segmenter(weights, image_size_px=96, confidence=0.2).predict(film)
    best = {}
    for d in ours.detections:  # Theirs keep the best level of a box only.
        best.setdefault(tuple(np.round(d.box)), d)
    assert len(theirs.boxes) > 0
    top = theirs.boxes[0]
    match = best[tuple(np.round(top.xyxy[0].numpy()))]
    assert match.confidence == pytest.approx(float(top.conf), abs=1e-4)
    assert CLASS_INDEX[match.level] == int(top.cls)


def test_one_film_or_many_gives_the_same(weights: Path, film: Path) -> None:
    segmenter = load_segmenter(weights, image_size_px=96)
    one = segmenter.predict(film)
    many = list(segmenter.predict_many([film] * 3, batch=2))
    assert len(many) == 3
    for other in many:
        assert [d.level for d in other.detections[:5]] == [d.level for d in one.detections[:5]]


def test_classes_are_mapped_by_name(tmp_path: Path, film: Path) -> None:
    weights = save_network(tmp_path / "few.pt", ["T1", "L5"])
    prediction = load_segmenter(weights, image_size_px=96).predict(film)
    assert {d.level for d in prediction.detections} <= {"T1", "L5"}
    known = [CLASS_INDEX["T1"], CLASS_INDEX["L5"]]
    assert all(np.delete(d.level_scores, known).max() == 0 for d in prediction.detections)


def test_the_json_holds_pixels_inside_the_film(weights: Path, film: Path) -> None:
    answer = prediction_as_json(load_segmenter(weights, image_size_px=96).predict(film), 0.05)
    assert answer["width"] == 168 and answer["vertebrae"]
    for vertebra in answer["vertebrae"]:
        assert vertebra["confidence"] >= 0.05 and len(vertebra["polygon"]) >= 3
        assert np.max(vertebra["polygon"]) <= 168


def test_an_outline_encloses_its_mask() -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 20:50] = 1
    outline = mask_outline(FilmMask.of(mask)) * [60, 40]
    assert outline.min(0) == pytest.approx([20.5, 10.5]) and outline.max(0) == pytest.approx(
        [49.5, 29.5]
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "no such file"), (b"no weights", "no Ultralytics checkpoint")],
)
def test_weights_that_are_none_are_refused(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "x.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=words):
        load_segmenter(path, image_size_px=96)


def test_weights_of_other_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="person, car"):
        load_segmenter(save_network(tmp_path / "x.pt", ["person", "car"]), image_size_px=96)


@pytest.mark.parametrize("content", [b"", b"no image"])
def test_a_file_that_is_no_image_is_refused(weights: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"no image that can be read|is empty"):
        load_segmenter(weights, image_size_px=96).predict(path)
