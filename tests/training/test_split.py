"""A batch trained in parts is that batch: the same films a step, the same steps and schedule."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from spineseg.config.training import TrainConfig
from spineseg.prediction.network_file import load_network
from spineseg.training.families.protocol import Hooks
from spineseg.training.weights import bundled_weights
from spineseg.training.yolo.split import parts, whole_part
from spineseg.training.yolo.trainer import QuietTraining, train_with


def batch_of(objects: list[int], size_px: int = 64, *, overlap_mask: bool = True) -> dict[str, Any]:
    """Return a batch of films with so many objects each, every film and object another."""
    dice = torch.Generator().manual_seed(1)
    films, in_all = len(objects), sum(objects)
    film = torch.repeat_interleave(torch.arange(films), torch.tensor(objects))
    side = size_px // 4
    masks = torch.zeros(films if overlap_mask else in_all, side, side)
    corner = torch.rand(in_all, 2, generator=dice) * 0.5
    number = [0] * films
    for i, at in enumerate(film.tolist()):
        number[at] += 1
        x, y = (corner[i] * side).int().tolist()
        place = masks[at if overlap_mask else i]
        place[y : y + side // 4, x : x + side // 4] = number[at] if overlap_mask else 1
    return {
        "im_file": tuple(f"{i}.png" for i in range(films)),
        "img": (torch.rand(films, 3, size_px, size_px, generator=dice) * 255).byte(),
        "cls": torch.randint(0, 24, (in_all, 1), generator=dice).float(),
        "bboxes": torch.cat([corner + 0.125, torch.full((in_all, 2), 0.25)], 1),
        "batch_idx": film.float(),
        "masks": masks,
    }


@pytest.mark.parametrize("overlap_mask", [True, False])
def test_every_film_and_object_is_in_one_part(overlap_mask: bool) -> None:
    batch = batch_of([2, 0, 3, 1, 4], overlap_mask=overlap_mask)
    split = parts(batch, 2, overlap_mask=overlap_mask)
    assert [len(part["im_file"]) for part in split] == [2, 3]
    assert [len(part["cls"]) for part in split] == [2, 8]
    assert [part["batch_idx"].unique().tolist() for part in split] == [[0], [0, 1, 2]]
    for key, value in batch.items():
        if key == "im_file":
            assert sum((part[key] for part in split), ()) == value
        elif key != "batch_idx":
            assert torch.equal(torch.cat([part[key] for part in split]), value)
    assert len(parts(batch, 9, overlap_mask=overlap_mask)) == 5


def test_parts_of_validation_batches_cross_no_border() -> None:
    assert [whole_part(32, split) for split in (1, 2, 4)] == [32, 16, 8]
    assert whole_part(14, 4) == 2 and whole_part(10, 4) == 2 and whole_part(2, 4) == 1


def gradients(split: int, batch: dict[str, Any]) -> tuple[dict[str, Any], dict[str, float]]:
    """Return gradients and losses of a batch, by the trainer's own way through its parts."""
    from ultralytics.cfg import get_cfg

    network = load_network(bundled_weights()).float().train()
    network.requires_grad_(True)
    network.args = get_cfg()
    trainer = object.__new__(QuietTraining)  # Without its folders and its data.
    vars(trainer).update(
        args=SimpleNamespace(multi_scale=0.0, overlap_mask=True),
        device=torch.device("cpu"),
        model=network,
        scaler=torch.amp.GradScaler(enabled=False),
        _split=split,
        _ahead=[],
    )
    loss, trainer.loss_items = network(trainer.preprocess_batch(dict(batch)))
    loss.sum().backward()
    assert trainer.loss_items is not None
    return (
        {name: p.grad for name, p in network.named_parameters() if p.grad is not None},
        {key: float(value) for key, value in trainer.loss_items.items()},
    )


def test_gradients_and_losses_of_the_parts_add_up_to_the_whole_batchs() -> None:
    """Of two halves that are alike: what the layers normalise by is the same in both."""
    half, twice = batch_of([3, 2]), batch_of([3, 2, 3, 2])
    for key, value in half.items():
        if key not in ("im_file", "batch_idx"):
            twice[key] = torch.cat([value, value])
    whole, losses = gradients(1, twice)
    split, split_losses = gradients(2, twice)
    assert split.keys() == whole.keys() and len(whole) > 100
    for name, gradient in whole.items():
        assert torch.allclose(split[name], gradient, rtol=1e-2, atol=1e-3 * gradient.norm()), name
    assert split_losses == pytest.approx(losses, rel=1e-4)
    assert sum(loss > 0 for loss in losses.values()) == 4


@pytest.mark.wide
@pytest.mark.parametrize(("batch", "nominal", "split"), [(4, 8, 2), (8, 4, 3), (5, 16, 4)])
def test_a_training_in_parts_takes_the_same_steps_at_the_same_rates(
    tmp_path: Path, batch: int, nominal: int, split: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exports import write_export
    from ultralytics.models.yolo.segment import SegmentationTrainer

    from spineseg.training.yolo.settings import ultralytics_settings

    export = write_export(tmp_path / "export", {"train": 13, "valid": 3})
    config = TrainConfig(
        batch=batch,
        nominal_batch=nominal,
        epochs=3,
        image_size_px=64,
        warmup_epochs=1,
        optimizer="AdamW",
    )
    steps: list[tuple[Any, ...]] = []
    step = SegmentationTrainer.optimizer_step

    def noted(trainer: Any) -> None:
        groups = [(g["lr"], g["weight_decay"], g["betas"]) for g in trainer.optimizer.param_groups]
        steps.append((trainer.epoch, trainer._batch, groups))
        step(trainer)

    monkeypatch.setattr(SegmentationTrainer, "optimizer_step", noted)
    found = []
    for parts_a_batch in (1, split):
        steps.clear()
        losses: list[dict[str, float]] = []
        settings = ultralytics_settings(config) | {
            "model": "yolo11n-seg.yaml",
            "pretrained": str(bundled_weights()),
            "data": str(export / "data.yaml"),
            "project": str(tmp_path / str(parts_a_batch)),
            "device": "cpu",
            "workers": 0,
            "plots": False,
        }
        hooks = Hooks(
            on_start=lambda trainer: None,
            on_epoch=lambda trainer, metrics, losses=losses: losses.append(metrics),
            stop_asked=lambda: False,
            may_end_epoch=lambda trainer: None,
        )
        trained = train_with(settings, "a-run", None, hooks, split=parts_a_batch)
        assert trained.batch_size == batch
        found.append((list(steps), losses))
    (whole, losses), (in_parts, others) = found
    assert in_parts == whole and len(whole) > 3
    assert [loss["lr/pg0"] for loss in others] == [loss["lr/pg0"] for loss in losses]
    for key in ("train/box_loss", "train/seg_loss", "train/cls_loss", "train/dfl_loss"):
        # One or two films a part: what normalises by them, and the loss's weights, are others.
        assert others[0][key] == pytest.approx(losses[0][key], rel=0.5) and losses[0][key] > 1, key
