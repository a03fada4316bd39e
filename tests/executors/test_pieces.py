"""Files in pieces: whatever their sizes, they are the same where they are put down."""

from __future__ import annotations

import os
import random
import threading
import time
from pathlib import Path

import pytest

from spineseg.training.executors import pieces
from spineseg.training.executors.checkpoint import RESUME, checkpoint_files
from spineseg.training.executors.node_store import NodeStore
from spineseg.training.executors.pieces import cut, put_down, read_spans, spans


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE_BYTES", 10)


@pytest.mark.parametrize("seed", range(20))
def test_files_of_any_size_arrive_by_pieces_of_a_size(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    contents = {
        f"d{i % 3}/f{i}": dice.randbytes(dice.choice([0, 1, 9, 10, 11, 35])) for i in range(6)
    }
    for name, content in contents.items():
        path = tmp_path / "from" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    sent = list(cut((name, tmp_path / "from" / name) for name in contents))
    asked = list(spans({name: len(content) for name, content in contents.items()}))
    fetched = [read_spans(tmp_path / "from", each) for each in asked]
    for number, way in enumerate((sent, fetched)):
        for piece in way:
            assert sum(len(content) for _, _, content in piece) <= 10
            put_down(tmp_path / f"to{number}", piece)
        for name, content in contents.items():
            assert (tmp_path / f"to{number}" / name).read_bytes() == content
        assert len(way) <= sum(map(len, contents.values())) // 10 + 2


def test_two_that_lack_the_same_fetch_it_once_and_one_that_is_left_alone_gives_way(
    tmp_path: Path,
) -> None:
    one, other = NodeStore(tmp_path), NodeStore(tmp_path)
    assert one.has_weights("0" * 64, "w.pt") == "send"
    assert other.has_weights("0" * 64, "w.pt") == "wait"
    assert one.has_weights("0" * 64, "w.pt") == "send", "its driver died while it sent"
    sha256 = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"  # Of "x".
    assert one.has_weights(sha256, "x.pt") == "send"
    assert other.has_weights("0" * 64, "w.pt") == "send", "let go of for something else"
    one.take([("x.pt", 0, b"x")])
    one.settle_weights(sha256, "x.pt")
    assert other.has_weights(sha256, "x.pt") == "here"
    assert one.weights(sha256, "x.pt").read_bytes() == b"x"


def test_weights_that_were_cut_and_do_not_show_when_are_being_written(tmp_path: Path) -> None:
    run, aside = tmp_path / "run", tmp_path / "aside"
    weights = run / "train" / "weights"
    weights.mkdir(parents=True)
    for name in ("best.pt", "last.pt", "resume.pt"):
        (weights / name).write_text("whole")
    assert len(checkpoint_files(run, aside)) == 3
    dated = (weights / "best.pt").stat()
    (weights / "best.pt").write_text("")
    os.utime(weights / "best.pt", ns=(dated.st_atime_ns, dated.st_mtime_ns))
    assert checkpoint_files(run, aside) == {}


def test_a_checkpoint_is_of_one_epoch_and_whole_while_the_trainer_writes(
    tmp_path: Path,
) -> None:
    run, aside = tmp_path / "run", tmp_path / "aside"
    weights = run / "train" / "weights"
    weights.mkdir(parents=True)
    assert checkpoint_files(run, aside) == {}, "there is none yet"
    for name in ("best.pt", "last.pt"):
        (weights / name).write_text("0")
    (weights / "resume.pt").write_text("0")
    stop = threading.Event()

    def train() -> None:
        """Write as the trainer does: weights in their places, the state whole after them."""
        epoch = 0
        while not stop.is_set():
            epoch += 1
            for name in ("best.pt", "last.pt"):
                with (weights / name).open("w") as file:
                    file.write(str(epoch))
                    file.flush()
                    time.sleep(0.01)
                    file.write(" whole")
            part = weights / "resume.pt.part"
            part.write_text(str(epoch))
            part.replace(weights / "resume.pt")
            time.sleep(0.08)

    thread = threading.Thread(target=train)
    thread.start()
    kept = 0
    until = time.monotonic() + 60
    while kept < 20 and time.monotonic() < until:
        if files := checkpoint_files(run, aside):
            state = int((aside / RESUME).read_text())
            if state == 0:
                continue
            texts = [(aside / "train" / "weights" / n).read_text() for n in ("best.pt", "last.pt")]
            kept += 1
            assert all(text.endswith(" whole") for text in texts), texts
            assert [int(text.split()[0]) for text in texts] == [state, state]
            assert set(files) == {RESUME, "train/weights/best.pt", "train/weights/last.pt"}
    stop.set()
    thread.join()
    assert kept == 20
