"""Networks of every family: built by name, written and read, their output as all others'."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from spineseg.config.networks import NETWORKS
from spineseg.errors import WeightsError
from spineseg.levels import CLASS_INDEX, CLASS_NAMES
from spineseg.phantom.film import render_film
from spineseg.prediction.built import named
from spineseg.prediction.extra import has_models
from spineseg.prediction.mask_rcnn import pasted
from spineseg.prediction.network_file import (
    Prompter,
    load_network,
    prompted_by,
    read_card,
    write_built,
    write_network,
)
from spineseg.prediction.segmenter import load_segmenter
from spineseg.prediction.square import film_in_square
from spineseg.training.weights import bundled_weights

needs_extra = pytest.mark.skipif(not has_models(), reason="make setup EXTRA=models")
SMALL = [
    "maskrcnn-resnet18",
    pytest.param("mask2former-small", marks=needs_extra),
    pytest.param("sam-small", marks=needs_extra),
]
SIDE = 96


def network(model: str) -> Any:
    """Return a small network with weights drawn at random, lifted so that it sees something."""
    torch.manual_seed(3)
    if NETWORKS[model].family == "sam":
        prompter = load_network(bundled_weights())
        built = named(model, CLASS_NAMES, image_size_px=SIDE, prompter=prompter)
        about = Prompter(architecture="yolo11n-seg", image_size_px=SIDE)
        prompted_by(built, about, CLASS_NAMES)
        return built
    return named(model, CLASS_NAMES)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "film.png"
    Image.fromarray(np.pad(render_film("lateral", 128, 5).pixels, ((0, 0), (0, 40)))).save(path)
    return path


@pytest.mark.parametrize("model", SMALL)
def test_a_network_comes_back_from_its_file_and_sees_the_same(
    model: str, tmp_path: Path, film: Path
) -> None:
    made, file = network(model).eval(), tmp_path / "w.safetensors"
    write_built(made, file, SIDE)
    card = read_card(file)
    assert (card.architecture, card.class_names, card.image_size_px) == (model, CLASS_NAMES, SIDE)
    read = load_network(file).state_dict()
    assert read.keys() == made.state_dict().keys()
    for key, tensor in made.state_dict().items():
        assert torch.allclose(read[key].float(), tensor.float(), rtol=1e-3, atol=1e-4), key
    again = tmp_path / "again.safetensors"
    write_network(file, again, synthetic=True)
    assert read_card(again).synthetic is True
    one, other = (load_segmenter(each, image_size_px=SIDE).predict(film) for each in (file, again))
    assert len(one.detections) == len(other.detections)
    for a, b in zip(one.detections, other.detections, strict=True):
        assert a.level == b.level and np.array_equal(a.mask.window, b.mask.window)


@pytest.mark.parametrize("model", SMALL)
def test_masks_have_the_films_size_and_every_detection_24_scores(
    model: str, tmp_path: Path, film: Path
) -> None:
    write_built(network(model), tmp_path / "w.safetensors", SIDE)
    found = load_segmenter(tmp_path / "w.safetensors", image_size_px=SIDE).predict(film)
    assert (found.height, found.width) == (128, 168) and 0 < len(found.detections) <= 100
    confidences = [d.confidence for d in found.detections]
    assert confidences == sorted(confidences, reverse=True)
    for d in found.detections:
        assert d.mask.film == (128, 168) and d.level_scores.shape == (24,)
        assert d.level_scores[CLASS_INDEX[d.level]] == pytest.approx(d.confidence, abs=1e-5)
        assert 0 <= d.box[0] <= d.box[2] <= 168 and 0 <= d.box[1] <= d.box[3] <= 128
        assert d.mask.left + d.mask.window.shape[1] <= 168


def test_masks_are_pasted_as_torchvision_pastes_them() -> None:
    from torchvision.models.detection.roi_heads import paste_masks_in_image

    dice = np.random.default_rng(2)
    masks = dice.random((40, 28, 28)).astype(np.float32)
    left, top = dice.uniform(-20, 110, 40), dice.uniform(-20, 70, 40)
    wide, high = dice.uniform(22, 60, 40), dice.uniform(22, 60, 40)  # Theirs wants them inside.
    left[:9], top[:9], wide[:9], high[:9] = 40, 30, np.geomspace(0.1, 20, 9), 3
    boxes = np.stack([left, top, left + wide, top + high], 1).astype(np.float32)
    theirs = paste_masks_in_image(
        torch.from_numpy(masks)[:, None], torch.from_numpy(boxes), (90, 120)
    )
    for ours, whole in zip(pasted(masks, boxes, (90, 120)), theirs[:, 0], strict=True):
        drawn = np.zeros((90, 120), np.uint8)
        rows, columns = ours.window.shape
        drawn[ours.top : ours.top + rows, ours.left : ours.left + columns] = ours.window
        assert np.array_equal(drawn, (whole > 0.5).numpy())


def test_a_mask_rcnns_boxes_levels_and_masks_are_torchvisions(tmp_path: Path, film: Path) -> None:
    made = network("maskrcnn-resnet18").eval()
    write_built(made, tmp_path / "w.safetensors", SIDE)
    segmenter = load_segmenter(
        tmp_path / "w.safetensors", image_size_px=SIDE, confidence=0.01, iou=0.5
    )
    ours = segmenter.predict_film(np.zeros((SIDE, SIDE, 3), np.uint8) + 90, film)
    theirs = segmenter.network
    theirs.transform.min_size, theirs.transform.max_size = (SIDE,), SIDE
    theirs.roi_heads.score_thresh, theirs.roi_heads.nms_thresh = 0.01, 0.5
    with torch.inference_mode():
        found = theirs([torch.full((3, SIDE, SIDE), 90 / 255)])[0]
    assert len(ours.detections) == len(found["boxes"]) > 5
    for ours_one, box, level, score in zip(
        ours.detections, found["boxes"], found["labels"], found["scores"], strict=True
    ):
        assert CLASS_INDEX[ours_one.level] == int(level) - 1
        assert ours_one.confidence == pytest.approx(float(score), abs=1e-5)
        assert ours_one.box == pytest.approx(box.numpy(), abs=1e-3)


def test_a_mask_of_a_body_at_the_films_edge_is_not_squeezed(tmp_path: Path, film: Path) -> None:
    made = network("maskrcnn-resnet18").eval()
    write_built(made, tmp_path / "w.safetensors", SIDE)
    segmenter = load_segmenter(tmp_path / "w.safetensors", image_size_px=SIDE, confidence=0.01)
    pixels = np.array(Image.open(film).convert("RGB"))[:60]  # (60, 168): grey above and below.
    low, high = film_in_square((60, 168), SIDE)
    assert low.tolist() == [0, 31] and high.tolist() == [96, 65]
    corners = torch.tensor([[-9.0, 20.0, 40.0, 50.0]]).repeat(1, 25, 1)
    scores = torch.eye(25)[3][None]
    bodies, _ = segmenter._kept(corners, scores, pixels)
    assert bodies.tolist() == [[0.0, 31.0, 40.0, 50.0]]  # What its mask is then made of.


@needs_extra
def test_a_sam_finds_where_its_prompter_does_and_takes_one_size_of_film(
    tmp_path: Path, film: Path
) -> None:
    file = tmp_path / "w.safetensors"
    write_built(network("sam-small"), file, SIDE)
    ours = load_segmenter(file, image_size_px=SIDE).predict(film)
    theirs = load_segmenter(bundled_weights(), image_size_px=SIDE).predict(film)
    assert [d.level for d in ours.detections] == [d.level for d in theirs.detections]
    for a, b in zip(ours.detections, theirs.detections, strict=True):
        assert a.box == pytest.approx(b.box, abs=0.5)
        assert a.confidence == pytest.approx(b.confidence, abs=0.01)
    with pytest.raises(WeightsError, match="takes films of 96 px and no other, not of 128"):
        load_segmenter(file, image_size_px=128)
    alone = named("sam-small", CLASS_NAMES, image_size_px=SIDE)
    write_built(alone, file, SIDE)
    with pytest.raises(WeightsError, match="no network in it prompts SAM"):
        load_segmenter(file, image_size_px=SIDE)


@needs_extra
@pytest.mark.parametrize("architecture", ["sam-small", "maskrcnn-resnet18", "mask2former-small"])
def test_a_file_in_which_no_yolo_prompts_sam_is_refused(architecture: str, tmp_path: Path) -> None:
    made = network("sam-small")
    about = Prompter(architecture="yolo11n-seg", image_size_px=SIDE)
    made.prompter.architecture = architecture
    about = about.model_copy(update={"architecture": architecture})
    prompted_by(made, about, CLASS_NAMES)
    write_built(made, tmp_path / "w.safetensors", SIDE)
    with pytest.raises(WeightsError, match=architecture):
        load_network(tmp_path / "w.safetensors")


def test_weights_of_another_network_than_they_say_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    made = network("maskrcnn-resnet18")
    made.architecture = "maskrcnn-resnet50"
    write_built(made, file, SIDE)
    with pytest.raises(WeightsError, match="is not the maskrcnn-resnet50 that is known here"):
        load_network(file)
