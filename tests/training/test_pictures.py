"""Pictures over a real training's epochs: the same films for all, the training none the wiser."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PIL import Image
from run_folders import make_job

from spineseg.config.training import TrainConfig
from spineseg.data.merge import Dataset
from spineseg.events import Epoch, Finished, read_events
from spineseg.film_pictures import picture_names, pictures_of, shown_films
from spineseg.job import Job, RunKind
from spineseg.training.devices import CPU
from spineseg.training.launcher import Launcher

CONFIG = TrainConfig(
    weights="random",
    image_size_px=64,
    batch=8,
    epochs=4,
    optimizer="AdamW",
    lr0=0.001,
    momentum=0.9,
)


def trained(
    launcher: Launcher, folder: Path, dataset: Path, fingerprint: str, kind: RunKind = "baseline"
) -> Path:
    make_job(config=CONFIG, dataset=dataset, data_fingerprint=fingerprint, kind=kind).write(folder)
    child = launcher.start(folder, CPU)
    deadline = time.monotonic() + 240
    while child.is_alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    return folder


def told(folder: Path) -> tuple[list[dict[str, float]], Finished]:
    events = read_events(folder, Job.read(folder).id)
    (end,) = (event for event in events if isinstance(event, Finished))
    return [event.metrics for event in events if isinstance(event, Epoch)], end


@pytest.mark.wide
def test_a_training_is_the_same_with_pictures_and_without(
    launcher: Launcher, dataset: Dataset, tmp_path: Path
) -> None:
    at = dataset.folder.resolve()
    drawn = trained(launcher, tmp_path / "drawn", at, dataset.fingerprint)
    plain = trained(launcher, tmp_path / "plain", at, dataset.fingerprint, kind="timing")
    (epochs, end), (epochs_plain, end_plain) = told(drawn), told(plain)
    assert len(epochs) == 4 and epochs == epochs_plain
    timed = [key for key in end.metrics if "seconds" in key]
    assert {k: v for k, v in end.metrics.items() if k not in timed} == {
        k: v for k, v in end_plain.metrics.items() if k not in timed
    }
    assert end.pictures_missed == 0 and all(picture.step == 0 for picture in pictures_of(plain))
    films = shown_films(dataset.manifest)
    found = pictures_of(drawn)
    assert {picture.film for picture in found} == set(picture_names(films)) and len(films) >= 3
    for name in picture_names(films):
        assert [p.step for p in found if p.film == name] == [0, 1, 2]
    for picture in found:
        assert max(Image.open(picture.path).size) <= 800 and picture.path.stat().st_size < 100_000
