"""Steps and changes of the weights are counted as the trainer takes them."""

from __future__ import annotations

import pytest

from spineseg.config.training import TrainConfig
from spineseg.config.yaml_files import load_study
from spineseg.training.steps import few_steps, steps_of


def test_twelve_films_in_five_epochs_change_the_weights_once_whatever_the_batch() -> None:
    for batch, an_epoch in ((16, 1), (4, 3), (2, 6)):
        steps = steps_of(TrainConfig(batch=batch, epochs=5, warmup_epochs=0.5), 12)
        assert steps == (an_epoch, 5 * an_epoch, 1)


def test_fewer_films_an_update_change_them_after_every_step() -> None:
    config = TrainConfig(batch=4, nominal_batch=4, epochs=5, warmup_epochs=0.5)
    assert steps_of(config, 12) == (3, 15, 15)


def test_a_study_of_next_to_no_steps_is_told_with_what_to_raise() -> None:
    told = few_steps(TrainConfig(batch=16, epochs=5, warmup_epochs=0.5), 12)
    assert told is not None
    assert told.startswith("12 training films at batch 16 are 1 step an epoch, 5 in all")
    assert "hardly differ; raise baseline.epochs, or lower baseline.nominal_batch" in told


def test_the_default_study_is_long_enough() -> None:
    from command import ROOT

    baseline = load_study(ROOT / "configs" / "studies" / "phantom.yaml").baseline
    assert few_steps(baseline, 70) is None and steps_of(baseline, 70) == (5, 15, 4)


@pytest.mark.wide
@pytest.mark.parametrize(("batch", "nominal", "epochs"), [(4, 64, 4), (4, 8, 3), (2, 16, 4)])
def test_the_trainer_changes_the_weights_as_often_as_is_counted(
    tmp_path, batch: int, nominal: int, epochs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exports import write_export
    from ultralytics.models.yolo.segment import SegmentationTrainer

    from spineseg.training.families.protocol import Hooks
    from spineseg.training.yolo.settings import ultralytics_settings
    from spineseg.training.yolo.trainer import train_with

    export = write_export(tmp_path / "export", {"train": 6, "valid": 2})
    config = TrainConfig(
        batch=batch,
        nominal_batch=nominal,
        epochs=epochs,
        image_size_px=64,
        warmup_epochs=1,
        optimizer="AdamW",
    )
    settings = ultralytics_settings(config) | {
        "model": "yolo11n-seg.yaml",
        "pretrained": False,
        "data": str(export / "data.yaml"),
        "project": str(tmp_path),
        "device": "cpu",
        "workers": 0,
        "plots": False,
    }
    changes = []
    monkeypatch.setattr(
        SegmentationTrainer, "optimizer_step", lambda self: changes.append(self.epoch)
    )
    hooks = Hooks(
        on_start=lambda trainer: None,
        on_epoch=lambda trainer, metrics: None,
        stop_asked=lambda: False,
        may_end_epoch=lambda trainer: None,
    )
    train_with(settings, "a-run", None, hooks)
    assert len(changes) == steps_of(config, 6).updates
