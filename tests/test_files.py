"""Locks: whose they are, and that nobody holds one for another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from spineseg.files import holder, is_locked, locked


def test_a_fork_does_not_hold_the_lock_of_the_process_that_forked_it(tmp_path: Path) -> None:
    """As a process that loads films, and outlives its training by a while."""
    script = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from spineseg.files import locked\n"
        "with locked(Path(sys.argv[1])):\n"
        "    if fork := os.fork():\n"
        "        print(fork, flush=True)\n"
        "    time.sleep(60)\n"
    )
    lock = tmp_path / "lock"
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(lock)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    fork = int(parent.stdout.readline())
    try:
        assert is_locked(lock) and (found := holder(lock)) and found.pid == parent.pid
        parent.kill()
        parent.wait(10)
        os.kill(fork, 0)  # It lives on.
        assert not is_locked(lock) and holder(lock) is None
    finally:
        os.kill(fork, signal.SIGKILL)
        parent.stdout.close()


def test_a_process_that_only_has_the_number_in_a_lock_is_not_its_holder(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with locked(lock) as free:
        assert free and (found := holder(lock)) and found.pid == os.getpid()
        lock.write_text(str(os.getppid()))
        assert holder(lock) is None
        lock.write_text("")
        assert holder(lock) is None
    assert holder(lock) is None and holder(tmp_path / "none") is None
