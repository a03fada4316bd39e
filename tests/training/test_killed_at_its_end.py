"""A training killed after its last epoch loses nothing: neither weights nor pictures."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch
from killed_anywhere import KILL_AT, MOMENTS, TRAINER
from run_folders import make_job
from stopped_training import CONFIG, differences, log, train, write_job

from spineseg.data.merge import Dataset
from spineseg.errors import WeightsError
from spineseg.events import Epoch, Finished, Phase, Started
from spineseg.film_pictures import picture_file, picture_names, shown_films
from spineseg.prediction.network_file import load_network
from spineseg.training.devices import CPU
from spineseg.training.launcher import Launcher
from spineseg.training.pending import pending, settle
from spineseg.training.pictures import FilmPictures
from spineseg.training.weights import bundled_weights
from spineseg.training.whole_weights import weights_are_whole
from spineseg.training.yolo import stripped


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    for name in ("best.pt", "last.pt"):
        shutil.copy(bundled_weights(), tmp_path / name)
    return tmp_path


def test_weights_are_stripped_whole_or_not_at_all(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = weights / "best.pt"
    before = best.read_bytes()

    def torn(content: object, path: str) -> None:
        Path(path).write_bytes(b"PK half of it")
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr(torch, "save", torn)
        with pytest.raises(KeyboardInterrupt):
            stripped.strip(best)
    assert best.read_bytes() == before
    stripped.strip(best)
    assert load_network(best).task == "segment"
    assert {path.name for path in weights.iterdir()} == {"best.pt", "last.pt"}


def test_torn_weights_are_said_and_never_take_the_place_of_others(
    weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert weights_are_whole(weights, ".pt") and capsys.readouterr().out == ""
    for name, half in (("best.pt", True), ("last.pt", False)):
        whole = (weights / name).read_bytes()
        (weights / name).write_bytes(whole[: len(whole) // 2 * half])
        assert not weights_are_whole(weights, ".pt")
        said = capsys.readouterr().out
        assert name in said and "begins anew, from epoch 1" in said
        with pytest.raises(WeightsError, match="holds no weights"):
            stripped.strip(weights / name)
        (weights / name).write_bytes(whole)
    (weights / "last.pt").unlink()
    assert not weights_are_whole(weights, ".pt")
    assert weights_are_whole(weights, ".pt", with_last=False)  # Of a training that goes on.


def test_the_weights_that_wait_take_their_place_once_their_epoch_is_on_record(
    tmp_path: Path,
) -> None:
    best, last = tmp_path / "best.pt", tmp_path / "last.pt"
    for epoch, stands in ((2, b"2"), (3, b"2"), (3, b"3")):
        pending(best, epoch).write_bytes(b"%d" % epoch)
        pending(last, epoch).write_bytes(b"%d" % epoch)
        settle(tmp_path, int(stands))  # Where the epoch is not on record, it is trained again.
        assert best.read_bytes() == last.read_bytes() == stands
        assert {path.name for path in tmp_path.iterdir()} == {"best.pt", "last.pt"}


@pytest.mark.wide
@pytest.mark.parametrize("epochs", [1, 3])
def test_a_training_killed_while_it_writes_ends_as_one_that_was_not(
    dataset: Dataset, tmp_path: Path, epochs: int
) -> None:
    """At some moments drawn by lot; `benchmarks/killed_moments.py` tries every one."""
    launcher = Launcher(tmp_path / "cache", TRAINER)
    config = CONFIG.with_(epochs=epochs, warmup_epochs=0.0)
    write_job(tmp_path / "whole", dataset, config, bundled_weights())
    train(launcher, tmp_path / "whole")
    moments = (tmp_path / "whole" / MOMENTS).read_text().splitlines()
    told = [n for n, moment in enumerate(moments, 1) if "resume.pt" in moment or "line" in moment]
    for moment in random.Random(epochs).sample(told, 3):
        folder = tmp_path / str(moment)
        write_job(folder, dataset, config, bundled_weights())
        (folder / KILL_AT).write_text(str(moment))
        child = launcher.start(folder, CPU)
        child.wait(300)
        assert child.ended_by == "SIGKILL", moments[moment - 1]
        train(launcher, folder)
        assert differences(tmp_path / "whole", folder) == {}, moments[moment - 1]
        events = log(folder)
        assert [e.epoch for e in events if isinstance(e, Epoch)] == list(range(1, epochs + 1))
        assert sum(isinstance(e, Finished) for e in events) == 1
        assert not list((folder / "train").rglob("*.part"))


@pytest.mark.wide
def test_best_weights_torn_in_mid_training_are_noticed_before_anything_is_trained_on(
    launcher: Launcher, dataset: Dataset, tmp_path: Path
) -> None:
    """As an earlier version left them; no later epoch need be better and mend that."""
    for name in ("whole", "torn"):
        write_job(tmp_path / name, dataset, CONFIG.with_(epochs=4), bundled_weights())
    train(launcher, tmp_path / "whole")
    folder = tmp_path / "torn"
    child = launcher.start(folder, CPU)
    while not any(isinstance(event, Epoch) and event.epoch == 2 for event in log(folder)):
        assert child.is_alive()
        time.sleep(0.005)
    child.kill()
    best = folder / "train" / "weights" / "best.pt"
    best.write_bytes(best.read_bytes()[:1000])
    train(launcher, folder)
    assert differences(tmp_path / "whole", folder) == {}
    assert "begins anew, from epoch 1" in (folder / "train.log").read_text()


@pytest.mark.wide
def test_a_child_that_is_started_on_a_run_that_has_ended_says_nothing(
    launcher: Launcher, dataset: Dataset, tmp_path: Path
) -> None:
    write_job(tmp_path / "run", dataset, CONFIG.with_(epochs=1), bundled_weights())
    train(launcher, tmp_path / "run")
    before = log(tmp_path / "run")
    child = launcher.start(tmp_path / "run", CPU)
    child.wait(120)
    assert (child.ended_by, log(tmp_path / "run")) == ("exit code 0", before)


def test_epochs_whose_films_were_not_drawn_are_known(dataset: Dataset, tmp_path: Path) -> None:
    at = dataset.folder.resolve()
    job = make_job(config=CONFIG.with_(epochs=8), dataset=at)
    pictures = FilmPictures(tmp_path, job, lambda path: None)  # type: ignore[arg-type, return-value]
    assert pictures.lacking(0) == set() and pictures.lacking(8) == {1, 2, 4}
    names = picture_names(shown_films(dataset.manifest))
    for name in names:
        picture_file(tmp_path, name, 1).parent.mkdir(parents=True)
        picture_file(tmp_path, name, 1).write_bytes(b"drawn")
    picture_file(tmp_path, names[0], 2).write_bytes(b"drawn")
    assert pictures.lacking(3) == {2}
    timing = make_job(config=CONFIG.with_(epochs=8), dataset=at, kind="timing")
    assert FilmPictures(tmp_path, timing, lambda path: None).lacking(8) == set()  # type: ignore[arg-type, return-value]


@pytest.mark.wide
def test_a_training_whose_best_weights_were_torn_in_its_end_is_trained_to_the_same_end(
    launcher: Launcher, dataset: Dataset, tmp_path: Path
) -> None:
    for name in ("whole", "torn"):
        write_job(tmp_path / name, dataset, CONFIG, bundled_weights())
    train(launcher, tmp_path / "whole")
    folder = tmp_path / "torn"
    kill_in_phase(launcher, folder, "scoring")
    best = folder / "train" / "weights" / "best.pt"
    best.write_bytes(best.read_bytes()[:1000])
    train(launcher, folder)
    assert differences(tmp_path / "whole", folder) == {}
    assert "begins anew, from epoch 1" in (folder / "train.log").read_text()
    assert [e.resumed_from_epoch for e in log(folder) if isinstance(e, Started)] == [0, 0]


@pytest.mark.wide
def test_a_training_killed_in_its_scoring_is_not_trained_again(
    launcher: Launcher, dataset: Dataset, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    write_job(folder, dataset, CONFIG.with_(epochs=2), bundled_weights())
    kill_in_phase(launcher, folder, "scoring")
    train(launcher, folder)
    assert len([event for event in log(folder) if isinstance(event, Started)]) == 1


@pytest.mark.wide
def test_films_of_an_epoch_that_was_killed_while_it_drew_are_drawn_by_the_next(
    launcher: Launcher, dataset: Dataset, tmp_path: Path
) -> None:
    for name in ("whole", "killed"):
        write_job(tmp_path / name, dataset, CONFIG, bundled_weights())
    train(launcher, tmp_path / "whole")
    folder = tmp_path / "killed"
    kill_in_phase(launcher, folder, "pictures")
    for picture in folder.glob("films/*/epoch-0001.webp"):
        picture.unlink()
    train(launcher, folder)
    assert differences(tmp_path / "whole", folder) == {}
    drawn = [
        sorted(p.name for p in each.glob("films/*/*")) for each in (tmp_path / "whole", folder)
    ]
    assert drawn[0] == drawn[1]
    for picture in folder.glob("films/*/epoch-0001.webp"):
        other = tmp_path / "whole" / picture.relative_to(folder)
        assert picture.read_bytes() == other.read_bytes()
    end = log(folder)[-1]
    assert isinstance(end, Finished) and end.pictures_missed == 0


def kill_in_phase(launcher: Launcher, folder: Path, phase: str) -> None:
    """Train until the phase has begun, and kill it there."""
    child = launcher.start(folder, CPU)
    while not any(isinstance(event, Phase) and event.name == phase for event in log(folder)):
        assert child.is_alive(), "it ended before"
        time.sleep(0.005)
    (started,) = [event for event in log(folder) if isinstance(event, Started)]
    os.kill(started.pid, signal.SIGKILL)
    child.wait(20)
    assert not isinstance(log(folder)[-1], Finished)
