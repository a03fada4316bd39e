"""What Linux alone has is asked for nowhere without a way around: macOS runs the same code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from command import ENVIRONMENT

ROOT = Path(__file__).parents[1]
ELSEWHERE = """
import os
del os.sched_getaffinity  # macOS has none.
from spineseg.training.devices import CPU
from spineseg.training.machine import machine_facts
import spineseg.training.child, study.driver
assert CPU.description.endswith("cores") and int(machine_facts()["cores"]) > 0
"""
LINUX_ONLY = re.compile(
    r"os\.(sched_\w+|memfd_create|sendfile|pidfd_open|splice|posix_fadvise|O_TMPFILE)|/dev/shm"
)


def test_nothing_but_one_place_asks_for_what_linux_alone_has() -> None:
    asking = {
        path.name
        for folder in ("src", "study")
        for path in (ROOT / folder).rglob("*.py")
        if LINUX_ONLY.search(path.read_text())
    }
    assert asking == {"workers.py"}


@pytest.mark.wide
def test_a_training_starts_where_a_process_has_no_set_of_cores() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
