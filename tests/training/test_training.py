"""Real trainings on tiny phantoms: events, resumption after a kill, pruning, failure."""

from __future__ import annotations

import math
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from run_folders import make_job
from small_disk import grow, small_disk

from spineseg.config.training import TrainConfig
from spineseg.config.yaml_files import load_study
from spineseg.data.merge import Dataset
from spineseg.errors import ConfigError, DataError, WeightsError
from spineseg.evaluation.stored import scores_file, stored_records, stored_scores
from spineseg.events import Epoch, Event, Failed, Finished, Phase, Started, read_events
from spineseg.job import Job
from spineseg.training.control import ask_to_stop, is_running
from spineseg.training.devices import CPU, chosen_devices
from spineseg.training.failures import failure_kind, lost_kind
from spineseg.training.launcher import Child, Launcher
from spineseg.training.weights import resolve_weights
from spineseg.training.yolo.settings import ultralytics_settings

CONFIG = TrainConfig(
    weights="random",
    image_size_px=64,
    batch=8,
    epochs=2,
    optimizer="AdamW",
    lr0=0.001,
    momentum=0.9,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


def start(launcher: Launcher, folder: Path, dataset: Dataset, **changes: object) -> Child:
    make_job(
        config=CONFIG.with_(**changes),
        dataset=dataset.folder.resolve(),
        data_fingerprint=dataset.fingerprint,
    ).write(folder)
    return launcher.start(folder, CPU)


def wait_for(condition: Callable[[], bool], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def log(folder: Path) -> list[Event]:
    return read_events(folder, Job.read(folder).id)


def epochs(folder: Path) -> list[int]:
    return [event.epoch for event in log(folder) if isinstance(event, Epoch)]


def test_a_training_speaks_through_its_log_and_leaves_what_it_says(
    launcher: Launcher, dataset: Dataset, folder: Path
) -> None:
    child = start(launcher, folder, dataset)
    wait_for(lambda: not child.is_alive())
    started, *middle, finished = log(folder)
    assert isinstance(started, Started) and isinstance(finished, Finished), middle
    assert started.resolved["imgsz"] == 64 and started.resolved["optimizer_used"] == "AdamW"
    assert started.resolved["fliplr"] == 0.5 and started.parameters > 2_000_000
    assert epochs(folder) == [1, 2]
    phases = [event.name for event in middle if isinstance(event, Phase)]
    assert phases == ["pictures", "training", "scoring", "pictures", "recording"]
    assert {
        "train/box_loss",
        "valid/seg_loss",
        "valid/mask_map50_95",
        "valid/box_precision",
        "lr/pg0",
    } <= set(
        middle[0].metrics  # type: ignore[union-attr]
    )
    assert (finished.outcome, finished.epochs, finished.batch) == ("completed", 2, 8)
    assert finished.optimizer == "AdamW"
    assert (folder / finished.best_weights).stat().st_size < 8_000_000
    assert not list((folder / "train" / "weights").glob("resume*"))
    plain, whole = (stored_scores(folder, "valid", way) for way in ("argmax", "sequence"))
    assert finished.metrics == plain.metrics("best") | whole.metrics("sequence")
    assert len(stored_records(folder, "valid", "argmax")) == dataset.manifest.count("valid")
    pictures = {path.name for path in (folder / "train").glob("*.*g")}
    assert {"results.png", "confusion_matrix.png", "labels.jpg", "val_batch0_pred.jpg"} <= pictures
    assert any(name.startswith("MaskPR") for name in pictures)
    assert "torch" not in sys.modules or os.getpid() != started.pid


@pytest.mark.wide
def test_a_killed_training_goes_on_from_its_last_whole_epoch(
    launcher: Launcher, dataset: Dataset, folder: Path
) -> None:
    child = start(launcher, folder, dataset, epochs=4)
    wait_for(lambda: len(epochs(folder)) >= 2)
    (started,) = [event for event in log(folder) if isinstance(event, Started)]
    os.kill(started.pid, signal.SIGKILL)
    wait_for(lambda: not child.is_alive())
    done = len(epochs(folder))
    assert not any(isinstance(event, Finished | Failed) for event in log(folder))
    again = launcher.start(folder, CPU)
    wait_for(lambda: not again.is_alive())
    events = log(folder)
    assert isinstance(events[-1], Finished) and events[-1].epochs == 4
    resumed = [event for event in events if isinstance(event, Started)][-1]
    assert resumed.resumed_from_epoch >= done - 1 >= 1
    assert sorted(set(epochs(folder))) == [1, 2, 3, 4]


@pytest.mark.wide
def test_a_training_asked_to_stop_still_evaluates_its_best_weights(
    launcher: Launcher, dataset: Dataset, folder: Path
) -> None:
    child = start(launcher, folder, dataset, epochs=50)
    wait_for(lambda: len(epochs(folder)) >= 1)
    ask_to_stop(folder)
    wait_for(lambda: not child.is_alive())
    finished = log(folder)[-1]
    assert isinstance(finished, Finished) and finished.outcome == "pruned"
    assert finished.epochs < 50 and scores_file(folder, "valid", "argmax").exists()


def test_one_run_folder_is_worked_in_by_one_child_only(
    launcher: Launcher, dataset: Dataset, folder: Path
) -> None:
    child = start(launcher, folder, dataset, epochs=50)
    wait_for(lambda: is_running(folder))
    adopted = Launcher(folder.parent / "cache").start(folder, CPU)
    assert adopted.is_alive()
    adopted.kill()  # As after Ctrl-C: the child does not hear that itself.
    assert not adopted.is_alive() and not is_running(folder)
    wait_for(lambda: not child.is_alive(), 5)
    assert child.ended_by == "SIGKILL"


@pytest.mark.wide
def test_a_full_disk_leaves_the_run_open_and_it_goes_on_when_there_is_room(
    launcher: Launcher, dataset: Dataset, tmp_path: Path
) -> None:
    with small_disk(tmp_path, "14m"):
        child = start(launcher, tmp_path / "run", dataset)
        wait_for(lambda: not child.is_alive())
        assert child.found_no_space
        assert not any(isinstance(e, Finished | Failed) for e in log(tmp_path / "run"))
        grow(tmp_path, "400m")
        again = launcher.start(tmp_path / "run", CPU)
        wait_for(lambda: not again.is_alive())
        assert isinstance(log(tmp_path / "run")[-1], Finished)


def test_data_that_vanish_end_a_training_as_bad_data(
    launcher: Launcher, dataset: Dataset, tmp_path: Path
) -> None:
    make_job(config=CONFIG, dataset=tmp_path / "gone").write(tmp_path / "run")
    child = launcher.start(tmp_path / "run", CPU)
    wait_for(lambda: not child.is_alive())
    failed = log(tmp_path / "run")[-1]
    assert isinstance(failed, Failed) and failed.kind == "bad_data" and failed.traceback


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "out_of_memory"),
        (MemoryError(), "out_of_memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"), "out_of_memory"),
        (RuntimeError("cuDNN error: unable to find an engine to execute"), "out_of_memory"),
        (RuntimeError("Training failed: NaN persisted for 4 epochs"), "nan_loss"),
        (DataError("a label is damaged"), "bad_data"),
        (RuntimeError("Dataset 'x' error: images not found"), "bad_data"),
        (ValueError("shapes do not fit"), "bug"),
    ],
)
def test_each_failure_has_its_word(error: Exception, kind: str) -> None:
    assert failure_kind(error) == kind
    assert lost_kind(error) == (kind if kind == "out_of_memory" else None)


def test_a_killed_loader_of_films_loses_an_attempt_and_fails_no_run() -> None:
    assert lost_kind(RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed.")) == (
        "killed"
    )


@pytest.mark.wide
def test_a_loss_that_explodes_ends_as_nan_loss(
    launcher: Launcher, dataset: Dataset, folder: Path
) -> None:
    child = start(
        launcher,
        folder,
        dataset,
        optimizer="SGD",
        lr0=1.0,
        warmup_epochs=0.0,
        cls_gain=1e38,
        epochs=3,
    )
    wait_for(lambda: not child.is_alive())
    failed = log(folder)[-1]
    assert isinstance(failed, Failed) and failed.kind == "nan_loss", failed


def test_every_setting_has_a_name_that_ultralytics_knows() -> None:
    from ultralytics.utils import DEFAULT_CFG_DICT

    settings = ultralytics_settings(TrainConfig())
    assert set(settings) <= set(DEFAULT_CFG_DICT)
    defaults = {key: DEFAULT_CFG_DICT[key] for key in settings}
    changed = {key for key in settings if settings[key] != defaults[key]}
    assert changed == {"epochs"}  # 250 instead of 100; all else is Ultralytics' default.


def test_auto_of_as_many_films_as_the_original_had_is_what_the_baseline_says() -> None:
    import torch
    from ultralytics.models.yolo.segment import SegmentationTrainer

    root = Path(__file__).parents[2]
    baseline = load_study(root / "configs" / "studies" / "spine.yaml").baseline
    trainer = SimpleNamespace(args=SimpleNamespace(lr0=0.01, momentum=0.937), data={"nc": 24})
    optimizer = SegmentationTrainer.build_optimizer(
        trainer,
        torch.nn.Conv2d(1, 1, 1),
        name="auto",
        iterations=math.ceil(970 / 64) * baseline.epochs,
    )
    group = optimizer.param_groups[0]
    assert type(optimizer).__name__ == baseline.optimizer
    assert (group["lr"], group["betas"][0]) == (baseline.lr0, baseline.momentum)
    assert trainer.args.warmup_bias_lr == baseline.warmup_bias_lr


def test_devices_are_chosen_by_name() -> None:
    assert chosen_devices("cpu") == [CPU]
    assert chosen_devices("auto")
    with pytest.raises(ConfigError, match="'7' is not on this machine"):
        chosen_devices("7")


def test_weights_are_found_by_name_or_the_error_says_where_to_put_them(tmp_path: Path) -> None:
    assert resolve_weights(TrainConfig(weights="random"), tmp_path) is None
    bundled = resolve_weights(TrainConfig(weights="bundled"), tmp_path)
    assert bundled and bundled.stat().st_size <= 7_000_000
    with pytest.raises(WeightsError, match="fits yolo11n-seg only"):
        resolve_weights(TrainConfig(weights="bundled", model="yolo11s-seg"), tmp_path)
    with pytest.raises(WeightsError, match=r"put it at .*yolo11n-seg\.pt"):
        resolve_weights(TrainConfig(weights="coco"), tmp_path, fetch=False)
    (tmp_path / "yolo11n-seg.pt").write_bytes(b"published")
    assert resolve_weights(TrainConfig(weights="coco"), tmp_path, fetch=False)
    with pytest.raises(WeightsError, match="neither 'coco'"):
        resolve_weights(TrainConfig(weights="else"), tmp_path)
