"""A full disk, wherever it is met, leaves a run open and says so by the exit code."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from run_folders import make_job
from small_disk import small_disk
from stopped_training import CONFIG, log

from spineseg.events import EVENTS_FILE, Failed
from spineseg.places import LOCK_FILE
from spineseg.training.control import LOG_FILE
from spineseg.training.devices import CPU
from spineseg.training.failures import disk_is_full
from spineseg.training.launcher import Launcher


@pytest.mark.parametrize("met", ["taking the lock", "printing and saying how it failed"])
def test_a_disk_without_a_byte_is_no_failure_of_the_run(
    launcher: Launcher, tmp_path: Path, met: str
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk, "256k"):
        run, ballast = disk / "run", disk / "ballast"
        make_job(config=CONFIG, dataset=disk / "gone").write(run)
        (run / LOG_FILE).write_bytes(b"x" * 4095 + b"\n")  # The next line wants a page more.
        (run / LOCK_FILE).write_text("" if met == "taking the lock" else "1")
        with ballast.open("wb", 0) as file, pytest.raises(OSError, match="No space left"):
            while True:
                file.write(bytes(4096))
        child = launcher.start(run, CPU)
        child.wait(120)
        assert (child.is_alive(), child.found_no_space) == (False, True), child.ended_by
        assert not (run / EVENTS_FILE).exists() or not (run / EVENTS_FILE).read_bytes()
        ballast.unlink()
        launcher.start(run, CPU).wait(120)
        (failed,) = log(run)
        assert isinstance(failed, Failed) and failed.kind == "bad_data"


def test_a_full_disk_is_known_behind_what_was_raised_for_it() -> None:
    def raised(full: Exception) -> Exception:
        try:
            try:
                raise full
            except Exception as error:
                raise RuntimeError("Dataset 'x' error") from error
        except RuntimeError as error:
            return error

    full = OSError(errno.ENOSPC, "No space left on device")
    assert disk_is_full(full) and disk_is_full(raised(full))
    assert disk_is_full(OSError("4096 requested and 12 written"))
    assert disk_is_full(RuntimeError("[enforce fail] PytorchStreamWriter failed writing file"))
    assert not disk_is_full(raised(OSError(errno.EACCES, "Permission denied")))
    assert not disk_is_full(ValueError("shapes do not fit"))
