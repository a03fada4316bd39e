"""One tiny study, really trained, stopped at random moments by signals, and gone on with."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from command import ENVIRONMENT, ROOT
from stopped_studies import Outcome, differences, told

STUDY = """
name: tiny
data:
  sources:
    - {{kind: phantom, seed: 1, frontal_films: 12, lateral_films: 8, film_size_px: 64,
        difficulty: 0.1}}
baseline: {{weights: bundled, image_size_px: 64, batch: 4, epochs: 10, optimizer: AdamW, lr0: 0.001,
  warmup_epochs: 0.5, close_mosaic_epochs: 1}}
search:
  trials: 2
  startup_trials: 1
  space: {{lr0: {{low: 0.0001, high: 0.01, log: true}}, mosaic: {{low: 0.0, high: 1.0}}}}
  pruner: {{keep_percent: 50, startup_trials: 1, warmup_epochs: 1}}
confirm: null
devices: {{device: cpu}}
store: {{root: {root}}}
"""
# To whom: the driver alone, whose training lives on; or everybody, as Ctrl-C in a terminal.
_WAYS = ((signal.SIGKILL, False), (signal.SIGKILL, True), (signal.SIGTERM, False),
         (signal.SIGINT, True))  # fmt: skip


def stopped_real_study(home: Path, seed: int, stops: int) -> Outcome:
    """Run the study as it is and once more with stops, and compare the two."""
    accounts, stopped, longest = [], 0, 0.0
    for name, count in (("whole", 0), ("stopped", stops)):
        folder = home / name
        folder.mkdir(parents=True)
        path = folder / "tiny.yaml"
        path.write_text(STUDY.format(root=folder / "mlruns"))
        dice = random.Random(seed)
        for _ in range(count):
            # A start takes a good part of it: some stops come before anything trains. Longer
            # times would reach the end before all stops are made.
            stopped += _run(path, longest * dice.uniform(0.05, 0.3), *dice.choice(_WAYS))
        start = time.monotonic()
        _run(path)
        longest = longest or time.monotonic() - start
        accounts.append(told(path))
    whole, again = accounts
    pruned = sum(run["outcome"] == "pruned" for run in whole["runs"])
    return Outcome(differences(whole, again), stopped, pruned, len(whole["runs"]))


def _run(
    path: Path,
    seconds: float | None = None,
    number: signal.Signals = signal.SIGKILL,
    everybody: bool = False,
) -> bool:
    """Run the study from the command line, stopped after so many seconds; return whether it was."""
    with (path.parent / "said.log").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "study.cli", "run", str(path)],
            cwd=ROOT,
            env=ENVIRONMENT,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            (os.killpg if everybody else os.kill)(process.pid, number)
            process.wait(60)
            return True
    if process.returncode:
        raise AssertionError((path.parent / "said.log").read_text())
    return False
