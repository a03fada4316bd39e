"""Optuna's database is held by somebody else: trainings go on, and all is in it afterwards."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from fault_checks import wrong
from fault_study import DONE, Writes, begun, until

from spineseg.events import Epoch
from spineseg.runs import read_runs

pytestmark = pytest.mark.wide
LOCKED_SECONDS = 20
HOLD = """
import sqlite3, sys, time
held = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
held.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
held.execute("ROLLBACK")
"""


def locked(database: Path) -> subprocess.Popen[str]:
    """Hold a database exclusively, in a process of its own, for LOCKED_SECONDS."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database), str(LOCKED_SECONDS)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout and process.stdout.readline() == "held\n"
    return process


def test_a_locked_database_holds_no_training_up_and_has_all_of_it_afterwards(
    written: Writes,
) -> None:
    study = written(epoch_seconds=0.5, epochs=6, trials=3, seed=1)
    driver = begun(study)
    until(lambda: list(study.places.folder.glob("*/events.jsonl")), 120, driver)
    since = time.time()
    holding = locked(study.config.store.root / "optuna.db")
    holding.wait(120)
    to = time.time()
    runs = read_runs(study.places.folder)
    epochs = [e.time for run in runs for e in run.log if isinstance(e, Epoch)]
    meanwhile = sum(since <= time <= to for time in epochs)
    ends = sum(run.end is not None and since <= run.end.time <= to for run in runs)
    # Half of what the time is enough for: a database that holds a slot up stops it in the first.
    assert meanwhile > (to - since) / 0.5 / 4 and ends >= 2
    assert driver.wait(300) == DONE, study.said
    assert wrong(study) == []


def test_a_database_locked_at_the_start_is_waited_for(written: Writes) -> None:
    study = written(trials=2, seed=2)
    holding = locked(study.config.store.root / "optuna.db")
    driver = begun(study)
    assert driver.wait(300) == DONE, study.said
    holding.wait(120)
    assert wrong(study) == []
