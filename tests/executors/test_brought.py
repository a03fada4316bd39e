"""What comes from a node: whole lines, files that are what they are said to be, the end last."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from run_folders import epoch, make_job

from spineseg.errors import RecordError, RunError
from spineseg.events import EVENTS_FILE, Epoch, Event, Failed, read_events
from spineseg.training.executors.brought import Brought

JOB = make_job()


def line(event: Event) -> bytes:
    return json.dumps(event.model_dump()).encode() + b"\n"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / JOB.folder_name
    JOB.write(folder)
    return folder


@pytest.fixture
def brought(run: Path) -> Brought:
    return Brought(run, JOB.id, "a", 0)


def test_the_line_that_ends_a_run_is_said_after_its_files_are_here(
    run: Path, brought: Brought
) -> None:
    end = line(Failed(run=JOB.id, kind="bug", message="of the node"))
    said = line(epoch(JOB, 1))
    brought.hear(said + end, b"printed\n")
    assert (run / EVENTS_FILE).read_bytes() == said and brought.epoch == 1
    assert brought.events_from == len(said + end) and brought.log_from == len(b"printed\n")
    brought.hear(b"", b"more\n")
    assert (run / "train.log").read_bytes() == b"printed\nmore\n"
    brought.say_end()
    assert (run / EVENTS_FILE).read_bytes() == said + end
    assert [type(event) for event in read_events(run, JOB.id)] == [Epoch, Failed]


def test_a_line_of_another_run_is_refused_and_not_written(run: Path, brought: Brought) -> None:
    with pytest.raises(RecordError, match="node a said an event of another run"):
        brought.hear(line(epoch(make_job(), 1)), b"")
    assert not (run / EVENTS_FILE).exists()


def test_a_torn_line_here_is_taken_again_whole(run: Path, brought: Brought) -> None:
    first, second = line(epoch(JOB, 1)), line(epoch(JOB, 2))
    (run / EVENTS_FILE).write_bytes(first + second[:40])
    brought.drop_torn_line()
    assert brought.said == len(first) and brought.said_hash() == sha256(first)
    brought.hear(second, b"")
    assert (run / EVENTS_FILE).read_bytes() == first + second


def test_files_are_put_in_place_when_all_are_here_and_as_they_were_said_to_be(
    run: Path, brought: Brought
) -> None:
    resume, best = "train/weights/resume.pt", "train/weights/best.pt"
    contents = {resume: b"state" * 3, best: b"weights", "empty": b""}
    brought.expect()
    brought.arrive([(resume, 0, b"state"), (best, 0, b"weights"), ("empty", 0, b"")])
    assert not (run / best).exists()
    brought.arrive([(resume, 5, b"statestate")])
    brought.settle({name: sha256(content) for name, content in contents.items()})
    assert {name: (run / name).read_bytes() for name in contents} == contents
    assert [path.name for path in run.parent.iterdir()] == [run.name]


def test_a_file_that_came_otherwise_is_not_put_in_place(run: Path, brought: Brought) -> None:
    (run / "kept").write_bytes(b"before")
    brought.expect()
    brought.arrive([("kept", 0, b"damaged"), ("fine", 0, b"fine")])
    with pytest.raises(RunError, match="kept came from node a as"):
        brought.settle({"fine": sha256(b"fine"), "kept": sha256(b"after")})
    assert (run / "kept").read_bytes() == b"before" and not (run / "fine").exists()


def test_a_name_that_leads_out_of_the_folder_is_refused(run: Path, brought: Brought) -> None:
    brought.expect()
    for name in ("../out", "/tmp/out", "train/../../out"):
        with pytest.raises(RecordError, match="leads out of it"):
            brought.arrive([(name, 0, b"x")])
