"""Published weights of other families put into networks of 24 levels; none is fetched here."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from spineseg.config.training import TrainConfig
from spineseg.errors import WeightsError
from spineseg.levels import CLASS_NAMES
from spineseg.prediction.built import named
from spineseg.prediction.extra import has_models
from spineseg.prediction.network_file import load_network, read_card
from spineseg.training.published import HEADS, PUBLISHED, put_into_network
from spineseg.training.weights import resolve_weights

COCO = [str(number) for number in range(90)]
needs_extra = pytest.mark.skipif(not has_models(), reason="make setup EXTRA=models")
MODELS = [
    "maskrcnn-resnet50",
    pytest.param("mask2former-swin-t", marks=[needs_extra, pytest.mark.wide]),
    pytest.param("sam-vit-b", marks=[needs_extra, pytest.mark.wide]),
]


def published(model: str, folder: Path) -> Path:
    """Write a network with 90 classes, or SAM itself, as its makers publish it."""
    torch.manual_seed(7)
    if model == "maskrcnn-resnet50":
        torch.save(named(model, COCO).state_dict(), folder / "published.pth")
        return folder / "published.pth"
    is_sam = model == "sam-vit-b"
    whole = named(model, CLASS_NAMES, image_size_px=1024).sam if is_sam else named(model, COCO)
    whole.save_pretrained(folder)  # By the names of then, and what is tied once.
    return folder / "model.safetensors"


@pytest.mark.parametrize("model", MODELS)
def test_all_but_the_heads_are_the_published_weights(model: str, tmp_path: Path) -> None:
    file, target = published(model, tmp_path), tmp_path / f"{model}.safetensors"
    taken = put_into_network(model, file, target)
    card, ours = read_card(target), load_network(target).state_dict()
    torch.manual_seed(7)
    side = {"image_size_px": 1024} if model == "sam-vit-b" else {}
    whole = named(model, CLASS_NAMES if side else COCO, **side)
    for key, value in whole.state_dict().items():
        if not key.startswith(HEADS):
            assert torch.allclose(ours[key].float(), value.float(), rtol=1e-3, atol=1e-4), key
    assert (card.architecture, card.class_names) == (model, CLASS_NAMES)
    heads = [key for key in ours if key.startswith(HEADS)]
    assert taken == len(ours) - len(heads) and bool(heads) == (model != "sam-vit-b")
    assert resolve_weights(TrainConfig.model_validate(asked(model)), tmp_path) == target


def asked(model: str) -> dict:
    side = 1024 if model == "sam-vit-b" else 640
    return {"model": model, "optimizer": "AdamW", "image_size_px": side, "weights": "coco"}


def test_a_file_of_something_else_is_refused_and_nothing_written(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="is no published maskrcnn-resnet50"):
        put_into_network("maskrcnn-resnet50", tmp_path / "other.safetensors", tmp_path / "w")
    assert not (tmp_path / "w").exists()


def test_without_them_a_line_says_what_to_do(tmp_path: Path) -> None:
    for model in PUBLISHED:
        with pytest.raises(WeightsError, match=f"{model}.safetensors could not be fetched"):
            resolve_weights(TrainConfig.model_validate(asked(model)), tmp_path, fetch=False)
    for model in ("maskrcnn-resnet18", "yolo12n-seg"):
        none = {"model": model, "optimizer": "AdamW"}
        with pytest.raises(WeightsError, match=f"no weights of {model} are published"):
            resolve_weights(TrainConfig.model_validate(none), tmp_path)
