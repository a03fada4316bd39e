"""Time from `kill -9` of a large study to its training again, against the same of a small one.

python benchmarks/restart.py [--trials 300] [--small 20] [--rounds 3]

Both studies are made up, of 250 epochs a run, and once driven until their stores hold them. Then
the driver and its training are killed while they train, and started again at once: counted are the
seconds to the first event of the training's next attempt, and the driver's CPU seconds until then.
The program is loaded already: its own start is the same for both.
"""

from __future__ import annotations

import argparse
import os
import signal
import sqlite3
import statistics
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from fake_process import Manner, behave
from fault_study import Driver, FaultStudy, forked, until
from many_runs import write_many
from measured import ratio, save, workplace

from spineseg.events import EVENTS_FILE

FILLING_SECONDS = 3600


def main() -> None:
    """Run what is asked for and keep what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--small", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    sizes = (asked.trials, asked.small)
    seconds: dict[int, list[float]] = {size: [] for size in sizes}
    used: dict[int, list[float]] = {size: [] for size in sizes}
    with workplace() as (home, _):
        studies = {size: _made(home / str(size), size) for size in sizes}
        drivers = {size: _filled(study, size) for size, study in studies.items()}
        for turn in range(asked.rounds):
            for size in sizes if turn % 2 else reversed(sizes):
                drivers[size], took, cpu = _restarted(studies[size], drivers[size])
                seconds[size].append(took)
                used[size].append(cpu)
        for driver in drivers.values():
            os.killpg(driver.pid, signal.SIGKILL)
            driver.wait(10)
    save(
        "restart",
        {
            "runs on record": asked.trials,
            "rounds": asked.rounds,
            f"seconds, {asked.trials} runs against {asked.small}": ratio(*seconds.values()),
            f"CPU seconds, {asked.trials} runs against {asked.small}": ratio(*used.values()),
            "seconds to training again": round(statistics.median(seconds[asked.trials]), 1),
            "of these the driver's CPU": round(statistics.median(used[asked.trials]), 1),
        },
    )


def _made(folder: Path, size: int) -> FaultStudy:
    study = FaultStudy(write_many(folder, size, going=True))
    behave(study.places.trainer, Manner(epoch_seconds=5.0))  # It does not end while it is timed.
    return study


def _filled(study: FaultStudy, size: int) -> Driver:
    """Drive a study until both stores have all that its folders say."""
    driver = forked(study)
    root = study.config.store.root
    until(lambda: _count(root / "optuna.db", "trials") >= size, FILLING_SECONDS, driver)
    asked = "tags WHERE key = 'trial_key'"
    until(lambda: _count(root / "mlflow.db", asked) >= size, FILLING_SECONDS, driver)
    return driver


def _count(database: Path, what: str) -> int:
    try:
        address = f"{database.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as opened:
            return int(opened.execute(f"SELECT COUNT(*) FROM {what}").fetchone()[0])
    except sqlite3.Error:
        return 0  # It is being made, or written to.


def _restarted(study: FaultStudy, driver: Driver) -> tuple[Driver, float, float]:
    """Kill a study while it trains and start it again; return how long that took."""
    until(lambda: study.children(), 600, driver)
    time.sleep(2.0)
    before = _starts(study)
    os.killpg(driver.pid, signal.SIGKILL)
    began = time.monotonic()
    driver.wait(10)
    again = forked(study)
    while _starts(study) <= before:
        assert again.poll() is None, study.said
        time.sleep(0.02)
    took = time.monotonic() - began
    cpu = psutil.Process(again.pid).cpu_times()
    return again, took, cpu.user + cpu.system


def _starts(study: FaultStudy) -> int:
    """Return how often the trainings that have not ended were begun."""
    logs = sorted(study.places.folder.glob(f"[0-9]*/{EVENTS_FILE}"))
    return sum(log.read_text().count('"type": "started"') for log in logs[-2:])


if __name__ == "__main__":
    main()
