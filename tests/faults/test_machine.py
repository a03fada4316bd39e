"""The machine fails: a full disk, a closed terminal, a training that hangs."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_process import Manner
from fault_checks import wrong
from fault_study import DONE, SHORT, FaultStudy, Writes, begun, until, write_fault_study

from spineseg.events import Epoch, Lost
from spineseg.runs import Run, read_runs

pytestmark = pytest.mark.wide


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, with a little more than what a training must have free."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=900m", "tmpfs", str(place)]
    if subprocess.run(words, capture_output=True).returncode:
        pytest.skip("a file system can be mounted here by nobody but root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> Path:
    """Write until nothing more fits; return the file."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(b"0" * size)
            except OSError:
                continue
    return ballast


def named(study: FaultStudy, name: str) -> Run:
    return next(run for run in read_runs(study.places.folder) if run.name == name)


def test_a_full_disk_stops_the_study_in_one_line_and_it_goes_on_with_room(
    small_disk: Path, empty_stores: Path, tmp_path: Path
) -> None:
    manner = Manner(epoch_seconds=0.5)
    study = write_fault_study(
        small_disk / "study", empty_stores, manner=manner, text=SHORT, trials=2, seed=11
    )
    said = tmp_path / "said.log"
    (study.path.parent / "said.log").symlink_to(said)
    driver = begun(study)
    until(lambda: list(study.places.folder.glob("*/events.jsonl")), 120, driver)
    ballast = fill(small_disk)
    assert driver.wait(300) == 2
    last = said.read_text().strip().splitlines()[-1]
    assert last.startswith("spineseg: ") and ("space" in last or " are free" in last)
    assert "Traceback" not in said.read_text()
    ballast.unlink()
    until(lambda: not study.processes(), 60)
    assert begun(study).wait(300) == DONE, said.read_text()
    assert wrong(study) == []


def test_a_closed_terminal_ends_no_study(written: Writes) -> None:
    study = written(epoch_seconds=0.5, trials=2, seed=12)
    ours, theirs = pty.openpty()
    said: list[bytes] = []

    def read() -> None:
        try:
            while data := os.read(ours, 4096):
                said.append(data)
        except OSError:
            return  # Closed.

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    driver = begun(study, os.ttyname(theirs))
    os.close(theirs)
    until(lambda: list(study.places.folder.glob("*/events.jsonl")), 120, driver)
    os.close(ours)
    assert driver.wait(300) == DONE, b"".join(said)[-2000:]
    assert wrong(study) == []


def test_a_training_that_hangs_is_ended_and_gone_on_with(written: Writes) -> None:
    study = written(epoch_seconds=0.3, epochs=4, trials=2, seed=13)
    limits = "\nlimits: {stalled_factor: 3, stalled_minutes: 0.1}\n"
    study.path.write_text(study.path.read_text() + limits)
    driver = begun(study)

    def has_an_epoch() -> bool:
        folder = study.places.folder / "000-baseline"
        return folder.exists() and bool(named(study, "baseline").epochs)

    until(has_an_epoch, 120, driver)
    for child in study.children():
        child.suspend()
    assert driver.wait(300) == DONE, study.said
    lost = [event for event in named(study, "baseline").log if isinstance(event, Lost)]
    assert [event.kind for event in lost] == ["stalled"]
    assert wrong(study) == []


def test_a_training_that_is_only_slow_is_left_alone(written: Writes) -> None:
    study = written(epoch_seconds=1.0, epochs=3, trials=0, seed=14)
    limits = "\nlimits: {stalled_factor: 8, stalled_minutes: 0.08}\n"
    study.path.write_text(study.path.read_text() + limits)
    assert begun(study).wait(300) == DONE, study.said
    log = [event for run in read_runs(study.places.folder) for event in run.log]
    assert not any(isinstance(event, Lost) for event in log)
    assert any(isinstance(event, Epoch) for event in log) and wrong(study) == []


def test_a_driver_killed_by_a_signal_that_ends_its_session_is_gone_on_with(written: Writes) -> None:
    study = written(trials=2, seed=15)
    driver = begun(study)
    until(study.children, 120, driver)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait(10)
    until(lambda: not study.processes(), 20)
    began = time.time()
    assert begun(study).wait(300) == DONE, study.said
    assert wrong(study) == [] and named(study, "baseline").end.time > began  # type: ignore[union-attr]
