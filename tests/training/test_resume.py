"""A training is taken up exactly where it was, from a file of data alone; or it begins anew."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace

import planted
import pytest
import torch
from run_folders import make_job
from stopped_training import CONFIG, differences, log, train, write_job

from spineseg.data.merge import Dataset
from spineseg.events import Epoch, Started
from spineseg.files import locked
from spineseg.places import DRIVER_LOCK
from spineseg.training.control import (
    RESUME_FILE,
    ask_to_stop,
    is_judged,
    let_go_on,
    stop_asked,
    wait_until_judged,
)
from spineseg.training.launcher import Launcher
from spineseg.training.saved import saved
from spineseg.training.weights import bundled_weights
from spineseg.training.yolo.films import seeded_loader


class Films(torch.utils.data.Dataset):
    """Films that are nothing but what is drawn for them."""

    def __init__(self, count: int) -> None:
        self.labels = list(range(count))
        self.collate_fn = list
        self.transforms = SimpleNamespace(transforms=[SimpleNamespace(transforms=[])])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[int, float]:
        return index, float(torch.rand(1))


def passes(workers: int, first: int, count: int) -> list[list[list[tuple[int, float]]]]:
    """Return the batches of some passes, of a loader that begins with the `first`."""
    device = torch.device("cpu")
    loader, order = seeded_loader(Films(10), 3, batch=4, workers=workers, device=device)
    order.next_pass = first
    try:
        return [list(loader) for _ in range(count)]
    finally:
        loader.close()


def test_a_pass_is_the_same_whatever_was_drawn_before_and_by_how_many_processes() -> None:
    whole = passes(workers=0, first=0, count=3)
    assert whole[1:] == passes(workers=2, first=1, count=2)
    films = [[film for batch in each for film, _ in batch] for each in whole]
    assert all(sorted(order) == list(range(10)) for order in films)
    assert (
        films[0] != films[1]
        and len({drawn for each in whole for b in each for _, drawn in b}) == 30
    )


@pytest.mark.parametrize("what", ["garbage", "code", "an earlier version's", "another run's"])
def test_a_file_that_cannot_be_gone_on_from_is_said_and_the_training_begins_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    path = tmp_path / RESUME_FILE
    if what == "garbage":
        path.write_bytes(b"PK torn")
    elif what == "code":
        planted.in_a_network(path, tmp_path / "ran")
    elif what == "another run's":
        torch.save({"format": "spineseg training 1", "run": "else"}, path)
    else:
        torch.save(planted.bundled() | {"epoch": 4}, path)
    assert saved(path, "mine") is None
    assert "the training begins anew, from epoch 1" in capsys.readouterr().out
    assert not (tmp_path / "ran").exists()


def test_without_a_file_a_training_begins_and_says_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert saved(tmp_path / RESUME_FILE, "mine") is None
    assert capsys.readouterr().out == ""


def test_a_run_stops_after_the_epoch_it_was_judged_by_and_not_before(tmp_path: Path) -> None:
    assert not is_judged(tmp_path, 1) and not stop_asked(tmp_path, 5)
    let_go_on(tmp_path, 2)
    assert is_judged(tmp_path, 2) and not is_judged(tmp_path, 3)
    ask_to_stop(tmp_path, 3)
    assert is_judged(tmp_path, 3) and not stop_asked(tmp_path, 2) and stop_asked(tmp_path, 3)
    (tmp_path / "stop").write_text("")  # As an earlier version asked.
    assert stop_asked(tmp_path, 1) and not stop_asked(tmp_path, 0)


def test_an_epoch_waits_for_its_judgement_as_long_as_somebody_drives_the_study(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    assert not wait_until_judged(run, 1)
    assert "takes this run up again" in capsys.readouterr().out
    with locked(tmp_path / DRIVER_LOCK):
        threading.Timer(0.2, let_go_on, (run, 1)).start()
        start = time.monotonic()
        assert wait_until_judged(run, 1) and time.monotonic() - start > 0.1


@pytest.mark.wide
def test_a_training_killed_four_times_ends_with_the_same_weights(
    launcher: Launcher, dataset: Dataset, tmp_path: Path
) -> None:
    for name, kills in (("whole", 0), ("killed", 4)):
        write_job(tmp_path / name, dataset, CONFIG, bundled_weights())
        train(launcher, tmp_path / name, kills)
    assert differences(tmp_path / "whole", tmp_path / "killed") == {}
    resumed = [e.resumed_from_epoch for e in log(tmp_path / "killed") if isinstance(e, Started)]
    assert len(resumed) > 2 and max(resumed) > 0
    numbers = [event.epoch for event in log(tmp_path / "killed") if isinstance(event, Epoch)]
    assert numbers == list(range(1, CONFIG.epochs + 1))  # None is said twice.
    other = tmp_path / "other"
    write_job(other, dataset, CONFIG.with_(seed=1), bundled_weights())
    train(launcher, other)
    assert "best.pt" in differences(tmp_path / "whole", other)


@pytest.mark.wide
def test_a_run_of_an_earlier_version_is_trained_anew(
    launcher: Launcher, dataset: Dataset, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    write_job(folder, dataset, CONFIG.with_(epochs=1), bundled_weights())
    weights = folder / "train" / "weights"
    weights.mkdir(parents=True)
    torch.save(planted.bundled() | {"epoch": 0}, weights / RESUME_FILE)
    train(launcher, folder)
    assert "begins anew" in (folder / "train.log").read_text()
    assert make_job().id not in (folder / "train.log").read_text()
