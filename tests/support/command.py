"""The command line as a person runs it: a process of its own, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def clean() -> dict[str, str]:
    """Return the environment without the addresses that MLflow leaves in a process, and make's."""
    ours = ("MAKELEVEL", "MAKEFLAGS", "SPINESEG_SET")
    return {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", *ours))}


ENVIRONMENT = clean() | {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "PYTHONUNBUFFERED": "1"}


def begun(*words: str, cwd: Path) -> subprocess.Popen[str]:
    """Begin a command in a process group of its own; stdout and stderr come together."""
    return subprocess.Popen(
        [sys.executable, "-m", "study.cli", *words],
        cwd=cwd,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def spineseg(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with more in its environment where that is given."""
    return subprocess.run(
        [sys.executable, "-m", "study.cli", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
        env=ENVIRONMENT | environment,
    )
