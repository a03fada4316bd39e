"""The server that trainings are forked from: what dies at a start is begun anew."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# The server of this process alone: a test's workers share one among many tests.
REFUSED = """
import os, signal, socket, sys, threading
from multiprocessing import forkserver
from pathlib import Path
from spineseg.training.devices import CPU
from spineseg.training.launcher import Launcher
sys.path.insert(0, sys.argv[2])
launcher = Launcher(Path(sys.argv[1]), "fake_process:run_job")
launcher.begin()
server = forkserver._forkserver
closed = socket.socket(socket.AF_UNIX)
closed.bind(sys.argv[1] + ".refuses")
server._forkserver_address = sys.argv[1] + ".refuses"
threading.Timer(0.5, os.kill, (server._forkserver_pid, signal.SIGKILL)).start()
child = launcher.start(Path(sys.argv[1]), CPU)
child.wait(60)
print(child.ended_by)
"""


def test_a_killed_server_that_is_not_seen_to_be_dead_yet_is_followed_by_another(
    tmp_path: Path,
) -> None:
    support = Path(__file__).parents[1] / "support"
    done = subprocess.run(
        [sys.executable, "-c", REFUSED, str(tmp_path), str(support)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == "exit code 1\n", done.stderr  # It began: there is no job in the folder.
