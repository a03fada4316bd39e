"""A training's start: from the same numbers as Ultralytics' own loading, and nothing that runs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import planted
import pytest
import torch

from spineseg.errors import WeightsError
from spineseg.levels import CERVICAL
from spineseg.prediction.network_file import write_network
from spineseg.training.weights import bundled_weights
from spineseg.training.yolo.trainer import QuietTraining


def start(kind: type, weights: Path) -> tuple[dict[str, Any], torch.Tensor]:
    """Return the weights that a training of 7 classes begins with, and the dice after that."""
    from ultralytics.models.yolo.segment import SegmentationTrainer

    trainer = object.__new__(QuietTraining)  # Without its folders and its data.
    vars(trainer).update(args=SimpleNamespace(pretrained=str(weights)), resume=False)
    trainer.model = "yolo11n-seg.yaml"
    trainer.data = {"nc": 7, "channels": 3, "names": dict(enumerate(CERVICAL))}
    torch.manual_seed(0)
    (SegmentationTrainer if kind is not QuietTraining else QuietTraining).setup_model(trainer)
    return trainer.model.state_dict(), torch.random.get_rng_state()


@pytest.mark.wide
def test_it_starts_from_the_numbers_that_ultralytics_own_loading_gives(tmp_path: Path) -> None:
    write_network(bundled_weights(), tmp_path / "w.safetensors")
    theirs, dice = start(object, bundled_weights())
    for weights in (bundled_weights(), tmp_path / "w.safetensors"):
        ours, after = start(QuietTraining, weights)
        assert ours.keys() == theirs.keys() and torch.equal(after, dice)
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_it_starts_from_no_file_that_would_run_code(tmp_path: Path) -> None:
    planted.in_a_network(tmp_path / "w.pt", tmp_path / "ran")
    with pytest.raises(WeightsError, match=r"would run posix\.system"):
        start(QuietTraining, tmp_path / "w.pt")
    assert not (tmp_path / "ran").exists()
