"""Trainings by transformers' Trainer: taken up exactly, stopped, in parts, ended like YOLO's."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("transformers", reason="make setup EXTRA=models")

import torch
from stopped_training import differences, log, train, write_job

from spineseg.config.data import DataConfig
from spineseg.config.training import TrainConfig
from spineseg.data.manifest import Dataset
from spineseg.data.merge import prepare_dataset
from spineseg.events import Epoch, Failed, Finished, Started
from spineseg.job import Job
from spineseg.levels import CLASS_NAMES
from spineseg.prediction.built import named
from spineseg.prediction.network_file import read_card
from spineseg.training.control import ask_to_stop
from spineseg.training.devices import CPU
from spineseg.training.families.sam import SamLearner, _near
from spineseg.training.launcher import Launcher
from spineseg.training.looped.loop import LoopedTraining
from spineseg.training.orders import Orders
from spineseg.training.weights import bundled_weights

SHARED = {
    "weights": "random",
    "image_size_px": 64,
    "batch": 4,
    "nominal_batch": 8,
    "epochs": 3,
    "optimizer": "AdamW",
    "lr0": 0.001,
    "warmup_epochs": 1,
    "scale": 0.2,
}
FAMILIES = {
    "mask_rcnn": {"model": "maskrcnn-resnet18", "sampled_boxes": 16},
    "mask2former": {"model": "mask2former-small", "points": 64},
    "sam": {"model": "sam-small", "prompts": "bundled"},
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    phantom = {"kind": "phantom", "seed": 1, "film_size_px": 64, "difficulty": 0.1}
    phantom |= {"frontal_films": 7, "lateral_films": 7}
    data = DataConfig.model_validate({"sources": [phantom]})
    return prepare_dataset(data, tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Launcher:
    return Launcher(tmp_path_factory.mktemp("cache"))


def asked(family: str, **changes: object) -> TrainConfig:
    return TrainConfig.model_validate(SHARED | FAMILIES[family] | changes)


def write(folder: Path, dataset: Dataset, config: TrainConfig) -> Path:
    """Write a job, of a SAM with the bundled network that prompts it."""
    write_job(folder, dataset, config, None)
    if config.family == "sam":
        job = Job.read(folder).model_copy(update={"prompter": bundled_weights()})
        (folder / "job.json").write_text(job.model_dump_json())
    return folder


def run(launcher: Launcher, folder: Path, orders: Orders) -> None:
    child = launcher.start(folder, CPU, orders)
    while child.is_alive():
        child.wait(0.1)


@pytest.mark.parametrize(
    "family",
    ["mask2former", *(pytest.param(each, marks=pytest.mark.wide) for each in ("mask_rcnn", "sam"))],
)
def test_a_training_that_is_killed_ends_with_the_same_weights(
    family: str, tmp_path: Path, dataset: Dataset, launcher: Launcher
) -> None:
    for name in ("whole", "killed"):
        write(tmp_path / name, dataset, asked(family))
    train(launcher, tmp_path / "whole")
    left = train(launcher, tmp_path / "killed", kills=2, seed=4)
    assert max(left) >= 1  # An epoch at least was gone on from.
    resumed = [e.resumed_from_epoch for e in log(tmp_path / "killed") if isinstance(e, Started)]
    assert resumed[-1] >= 1
    assert differences(tmp_path / "whole", tmp_path / "killed") == {}
    last = log(tmp_path / "whole")[-1]
    assert isinstance(last, Finished) and last.outcome == "completed" and last.epochs == 3
    card = read_card(tmp_path / "whole" / last.best_weights)
    assert card.architecture == asked(family).model and card.image_size_px == 64
    assert not (tmp_path / "whole" / "train" / "weights" / "resume.pt").exists()


def test_it_stops_when_asked_and_says_what_it_used(
    tmp_path: Path, dataset: Dataset, launcher: Launcher
) -> None:
    folder = write(tmp_path / "run", dataset, asked("mask_rcnn", epochs=5))
    ask_to_stop(folder, 1)
    run(launcher, folder, Orders())
    events = log(folder)
    started = next(e for e in events if isinstance(e, Started))
    assert started.parameters > 10_000_000 and started.device == "CPU"
    used = started.resolved
    assert (used["batch"], used["optimizer_used"], used["batches_an_update"]) == (4, "AdamW", 2)
    (epoch,) = [e for e in events if isinstance(e, Epoch)]
    assert {"train/cls_loss", "train/seg_loss", "valid/mask_map50_95", "lr/pg0"} <= set(
        epoch.metrics
    )
    end = events[-1]
    assert isinstance(end, Finished) and end.outcome == "pruned" and end.epochs == 1


@pytest.mark.wide
def test_a_batch_in_parts_takes_the_same_steps(
    tmp_path: Path, dataset: Dataset, launcher: Launcher
) -> None:
    rates = []
    for split in (1, 2):
        folder = write(tmp_path / str(split), dataset, asked("mask2former"))
        run(launcher, folder, Orders(split=split))
        rates.append([e.metrics["lr/pg0"] for e in log(folder) if isinstance(e, Epoch)])
        assert next(e for e in log(folder) if isinstance(e, Started)).split == split
    assert rates[0] == pytest.approx(rates[1]) and len(rates[0]) == 3


@pytest.mark.wide
def test_a_loss_that_is_no_number_ends_it_as_such(
    tmp_path: Path, dataset: Dataset, launcher: Launcher
) -> None:
    config = asked("mask2former", lr0=1.0, optimizer="SGD", clip_gradient=0.0, epochs=6)
    folder = write(tmp_path / "run", dataset, config)
    run(launcher, folder, Orders())
    end = log(folder)[-1]
    assert isinstance(end, Failed) and end.kind == "nan_loss", end


@pytest.mark.parametrize(
    ("patience", "epoch", "best", "over"),
    [(0, 50, 1, False), (3, 3, 1, True), (3, 2, 1, False), (3, 9, 8, False), (1, 1, 1, True)],
)
def test_it_is_over_when_it_has_gained_nothing_for_too_long(
    patience: int, epoch: int, best: int, over: bool
) -> None:
    training = object.__new__(LoopedTraining)
    config = asked("mask2former", patience_epochs=patience)
    training._asked = SimpleNamespace(job=SimpleNamespace(config=config))
    training.epoch, training._best = epoch, {"fitness": 0.2, "epoch": best}
    assert training.is_over == over


def test_a_sam_learns_from_what_lies_near_its_prompt() -> None:
    boxes = torch.tensor([[2.0, 2.0, 6.0, 4.0], [0.0, 7.0, 2.0, 8.0]])
    near = _near(boxes, torch.Size((8, 8)))
    assert near.shape == (2, 8, 8)
    assert near[0, 1:5, 0:8].all() and near[0].sum() == 4 * 8  # Half a side on each side.
    assert near[1, 7:, :3].min() == 1 and near[1].sum() == 3


def test_a_sam_gets_better_at_outlines_from_its_first_steps() -> None:
    torch.manual_seed(1)
    network = named("sam-small", CLASS_NAMES, image_size_px=64)
    learner = SamLearner(network, jitter=0.0, prompts=32, encodes=True, once=False)
    masks = torch.zeros(2, 64, 64, dtype=torch.uint8)
    masks[0, 10:20, 12:40], masks[1, 30:44, 20:46] = 1, 1
    boxes = torch.tensor([[12.0, 10, 40, 20], [20, 30, 46, 44]])
    films = [{"boxes": boxes, "masks": masks, "film": 0}]
    pixels = masks.amax(0).float().expand(1, 3, 64, 64)
    optimizer = torch.optim.AdamW([w for w in learner.parameters() if w.requires_grad], lr=1e-3)
    dice = []
    for _ in range(25):
        found = learner.losses(pixels, films)
        dice.append(found["dice_loss"].item())
        optimizer.zero_grad()
        sum(found.values()).backward()
        optimizer.step()
    assert dice[-1] < 0.6 * dice[0]
    assert not any(w.requires_grad for w in network.sam.prompt_encoder.parameters())


def test_a_sam_learns_from_so_many_bodies_of_a_film_as_it_is_told() -> None:
    network = named("sam-small", CLASS_NAMES, image_size_px=64)
    prompted: list[int] = []

    def count(_: object, __: object, given: dict[str, torch.Tensor]) -> None:
        prompted.append(given["input_boxes"].shape[1])

    network.sam.register_forward_pre_hook(count, with_kwargs=True)
    learner = SamLearner(network, jitter=0.0, prompts=3, encodes=True, once=False)
    boxes = torch.tensor([[8.0, 8 * i, 40, 8 * i + 6] for i in range(5)])
    masks = torch.zeros(5, 64, 64, dtype=torch.uint8)
    films = [{"boxes": boxes[:n], "masks": masks[:n], "film": n} for n in (5, 2)]
    learner.losses(torch.zeros(2, 3, 64, 64), films)
    assert prompted == [3, 2]
    torch.manual_seed(1)
    drawn = [tuple(learner._drawn(5).tolist()) for _ in range(30)]
    assert all(len(set(each)) == 3 for each in drawn) and len(set(drawn)) > 20
