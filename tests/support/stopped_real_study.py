"""Tiny studies, really trained, stopped at random moments by signals, and gone on with."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
from command import ENVIRONMENT, ROOT
from fault_kills import Victims
from stopped_studies import Outcome, differences, told

from spineseg.files import holder
from spineseg.places import LOCK_FILE

STUDY = """
name: tiny
data:
  sources:
    - {{kind: phantom, seed: 1, frontal_films: 12, lateral_films: 8, film_size_px: 64,
        difficulty: 0.1}}
baseline: {{weights: bundled, image_size_px: 64, batch: 4, epochs: {epochs}, optimizer: AdamW,
  lr0: 0.001, warmup_epochs: 0.5, close_mosaic_epochs: 1}}
search:
  trials: 2
  startup_trials: 1
  space: {{lr0: {{low: 0.0001, high: 0.01, log: true}}, mosaic: {{low: 0.0, high: 1.0}}}}
  pruner: {{keep_percent: 50, startup_trials: 1, warmup_epochs: 1}}
confirm: null
devices: {{device: cpu}}
store: {{root: {root}}}
"""
EPOCHS = 5
# The driver alone, whose training lives on; everybody, as Ctrl-C in a terminal; the training alone.
_WAYS = (
    ("driver", signal.SIGKILL),
    ("all", signal.SIGKILL),
    ("driver", signal.SIGTERM),
    ("all", signal.SIGINT),
    ("child", signal.SIGKILL),
)
_TOLD_SECONDS = 300.0  # For a driver that was told to stop, on a loaded machine.
_END_SECONDS = 3600.0


class TinyStudy:
    """One study, left alone once, and as often as wanted stopped at moments of a seed's."""

    def __init__(self, home: Path, epochs: int = EPOCHS) -> None:
        """Prepare to write it to folders in `home`; nothing is trained before it is asked for."""
        self._home, self._epochs = home, epochs

    @cached_property
    def alone(self) -> tuple[dict[str, Any], float]:
        """What it says where nobody stops it, and its seconds."""
        path = self._written("whole")
        began = time.monotonic()
        _to_the_end(path, _begun(path))
        return told(path), time.monotonic() - began

    def stopped(self, seed: int, stops: int) -> tuple[Outcome, Counter[str]]:
        """Run it with so many stops, and compare; return who was stopped how often, too."""
        whole, longest = self.alone
        path, dice = self._written(f"stopped-{seed}"), random.Random(seed)
        whom: Counter[str] = Counter()
        victims, driver = Victims(), _begun(path)
        try:
            while whom.total() < stops:
                # A start takes a good part of it: some stops come before anything trains. Longer
                # times would reach the end before all stops are made.
                with suppress(subprocess.TimeoutExpired):
                    driver.wait(longest * dice.uniform(0.05, 0.3))
                    break  # It came to its end before.
                way, number = dice.choice(_WAYS)
                if not _stopped(path, driver, way, number, victims):
                    continue
                whom[way if number == signal.SIGKILL else f"{way} {number.name}"] += 1
                if way != "child":
                    driver.wait(_TOLD_SECONDS)
                    driver = _begun(path)
            _to_the_end(path, driver)
        except BaseException:  # Whoever interrupts it wants nothing of it to live on.
            with suppress(ProcessLookupError):
                os.killpg(driver.pid, signal.SIGKILL)
            raise
        again = told(path)
        pruned = sum(run["outcome"] == "pruned" for run in whole["runs"])
        found = differences(whole, again)
        return Outcome(found, whom.total(), pruned, len(again["runs"])), whom

    def _written(self, name: str) -> Path:
        folder = self._home / name
        folder.mkdir(parents=True)
        path = folder / "tiny.yaml"
        path.write_text(STUDY.format(root=folder / "mlruns", epochs=self._epochs))
        return path


def stopped_real_study(home: Path, seed: int, stops: int) -> Outcome:
    """Run the study as it is and once more with stops, and compare the two."""
    return TinyStudy(home).stopped(seed, stops)[0]


def _begun(path: Path) -> subprocess.Popen[bytes]:
    """Run the study from the command line, in a session of its own."""
    with (path.parent / "said.log").open("w") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "study.cli", "run", str(path)],
            cwd=ROOT,
            env=ENVIRONMENT,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _stopped(
    path: Path,
    driver: subprocess.Popen[bytes],
    whom: str,
    number: signal.Signals,
    victims: Victims,
) -> bool:
    """Stop the study; return whether there was anybody to stop."""
    if whom != "child":
        with suppress(ProcessLookupError):
            (os.killpg if whom == "all" else os.kill)(driver.pid, number)
            return True
        return False
    for lock in sorted((path.parent / "mlruns").glob(f"work/studies/tiny/[0-9]*/{LOCK_FILE}")):
        child = holder(lock)
        if child is not None and victims.may_die(lock.parent, 1):
            victims.deaths[lock.parent] += 1
            with suppress(psutil.Error):
                child.kill()
                return True
    return False


def _to_the_end(path: Path, driver: subprocess.Popen[bytes]) -> None:
    """Wait for the study's end. Raises AssertionError where there is none."""
    if driver.wait(_END_SECONDS):
        raise AssertionError((path.parent / "said.log").read_text())
