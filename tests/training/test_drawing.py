"""Pictures drawn beside a training: whole or not at all, what is missed told, nobody waited for."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from ultralytics.utils.metrics import ConfusionMatrix, ap_per_class
from ultralytics.utils.plotting import plot_labels, plot_results

from spineseg.training.drawing import Drawing
from spineseg.training.yolo.plots import _confusion, _curve, _labels, _precision, draw_results


def whole(folder: Path, text: str) -> None:
    (folder / f"{text}.png").write_text(text)


def slow(folder: Path, text: str) -> None:
    (folder / f"{text}.png").write_text("half")
    (folder.parent / "begun").touch()
    time.sleep(60)


def broken(folder: Path) -> None:
    (folder / "broken.png").write_text("half")
    raise ValueError("no ink")


def killed(folder: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def nothing(folder: Path) -> None:
    pass


def full(folder: Path) -> None:
    raise OSError(28, "No space left on device")


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_asked_for_is_there_at_the_end(tmp_path: Path) -> None:
    with Drawing(tmp_path) as drawing:
        for number in range(7):
            drawing.draw(f"{number}.png", whole, str(number))
    assert files(tmp_path) == [f"{number}.png" for number in range(7)] and not drawing.missed


def test_each_picture_that_is_missed_is_told_with_its_reason_and_leaves_no_half(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Drawing(tmp_path) as drawing:
        drawing.draw("broken.png", broken)
        drawing.draw("killed.png", killed)
        drawing.draw("nothing.png", nothing)
        drawing.draw("local.png", lambda folder: None)
        drawing.draw("0.png", whole, "0")
        drawing.finish()
    assert drawing.missed == 4 and files(tmp_path) == ["0.png"]
    said = capfd.readouterr().out
    assert "broken.png not drawn: ValueError: no ink" in said
    assert "killed.png not drawn: its process was ended" in said
    assert "nothing.png not drawn: nothing came of it" in said
    assert "local.png not drawn: " in said


def test_what_draws_is_killed_and_every_picture_counts_as_missed(tmp_path: Path) -> None:
    drawing = Drawing(tmp_path)
    drawing.draw("slow.png", slow, "slow")
    while not (tmp_path / "begun").exists():
        time.sleep(0.01)
    os.kill(drawing._process, signal.SIGKILL)
    drawing.finish()
    assert drawing.missed == 1 and not (tmp_path / "slow.png").exists()


def test_a_full_disk_is_the_trainings_own_matter(tmp_path: Path) -> None:
    drawing = Drawing(tmp_path)
    drawing.draw("full.png", full)
    with pytest.raises(OSError, match="no room"):
        drawing.finish()


def begin_slowly(folder: Path) -> None:
    drawing = Drawing(folder)
    drawing.draw("slow.png", slow, "slow")
    time.sleep(60)


def test_a_training_that_is_killed_leaves_neither_halves_nor_anybody_at_work(
    tmp_path: Path,
) -> None:
    training = multiprocessing.get_context("fork").Process(target=begin_slowly, args=[tmp_path])
    training.start()
    while not (tmp_path / "begun").exists():
        time.sleep(0.01)
    (part,) = tmp_path.glob(".drawing-*")
    drawer = int(part.name.removeprefix(".drawing-"))
    training.kill()
    training.join()
    while _is_there(drawer):  # Ends by itself after a minute only.
        time.sleep(0.01)
        assert (tmp_path / "begun").stat().st_mtime > time.time() - 50
    with Drawing(tmp_path):
        pass
    assert files(tmp_path) == ["begun"]


def _is_there(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


NAMES = {0: "L5", 1: "L4", 2: "L3"}
CSV = "epoch,train/box_loss,train/seg_loss,metrics/a,metrics/b\n1,2,3,4,5\n2,3,4,5,6\n"


def made_up() -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...], ConfusionMatrix]:
    dice = np.random.default_rng(1)
    boxes, classes = dice.random((40, 4)), dice.integers(0, 2, 40)
    found = (dice.random((40, 10)) < 0.5, dice.random(40), dice.integers(0, 3, 40), classes)
    matrix = ConfusionMatrix(names=NAMES)
    matrix.matrix[:] = dice.integers(0, 9, matrix.matrix.shape)
    return boxes, classes, found, matrix


def draw_as_the_trainer(folder: Path) -> None:
    boxes, classes, found, matrix = made_up()
    ap_per_class(*found, plot=True, save_dir=folder, names=NAMES, prefix="Box")
    plot_labels(boxes, classes, names=NAMES, save_dir=folder)
    matrix.plot(normalize=True, save_dir=folder)
    plot_results(file=folder.parent / "results.csv")


def draw_beside(folder: Path) -> None:
    with Drawing(folder) as drawing:
        boxes, classes, found, matrix = made_up()
        *_, ap, of, p, r, f1, px, precision = ap_per_class(*found, names=NAMES)
        labelled = {i: NAMES[key] for i, key in enumerate(of)}
        drawing.draw("labels.jpg", _labels, boxes, classes, NAMES)
        drawing.draw("confusion", _confusion, matrix, True)
        draw_results(drawing, folder.parent / "results.csv")
        drawing.draw("precision", _precision, "BoxPR_curve.png", px, precision, ap, labelled)
        for word, label, curve in (("F1", "F1", f1), ("P", "Precision", p), ("R", "Recall", r)):
            drawing.draw(word, _curve, f"Box{word}_curve.png", px, curve, labelled, label)
    assert not drawing.missed


@pytest.mark.wide
def test_the_plots_are_the_trainers_own_to_the_byte(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    (tmp_path / "results.csv").write_text(CSV)
    # By other processes: what draws starts threads, and nothing of earlier tests may show in it.
    for draw, folder in ((draw_beside, ours), (draw_as_the_trainer, theirs)):
        other = multiprocessing.get_context("spawn").Process(target=draw, args=[folder])
        other.start()
        other.join()
        assert other.exitcode == 0
    (tmp_path / "results.png").rename(theirs / "results.png")
    assert files(ours) == files(theirs) and len(files(ours)) == 7
    for file in files(ours):
        assert (ours / file).read_bytes() == (theirs / file).read_bytes(), file
