"""Studies that are stopped at random moments and gone on with, against the same ones never stopped.

Each start of a study on the fake trainer is a process of its own, forked from this one, which has
everything imported and no store open: so it can be killed like any other, and costs no imports.
"""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import cv2
from exports import write_export
from fake_trainer import FakeLauncher
from small_study import mlflow_runs, runs, trials

from spineseg.config.training import TrainConfig
from spineseg.config.yaml_files import load_study
from study import control_loop, driver
from study.compare import compare_study

cv2.setNumThreads(1)  # A fork has none of its parent's threads, and would wait for them.
STUDY = """
name: small
data: {{sources: [{{kind: local, path: {export}}}], group_near_duplicates: false, split: keep,
  accept_leaks: [near-duplicates]}}
baseline: {{weights: random, epochs: {epochs}, optimizer: AdamW, lr0: 0.003}}
variants:
  - {{name: no-flips, hypothesis: Flips hurt., changes: {{fliplr: 0.0}}}}
  - {{name: slow, hypothesis: Slower is better., changes: {{lr0: 0.001}}}}
search:
  trials: {trials}
  seed: {seed}
  startup_trials: 4
  space: {{lr0: {{low: 0.001, high: 0.02, log: true}}, scale: {{low: 0.0, high: 0.6}},
    fliplr: {{choices: [0.0, 0.5]}}}}
  pruner: {{keep_percent: 50, startup_trials: 2, warmup_epochs: 1}}
confirm: {{top: 1, seeds: 2}}
devices: {{device: cpu}}
store: {{root: {root}}}
"""
_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
_STOPPED = 3  # Exit code of a study that was told to stop, and did.


class Outcome(NamedTuple):
    """One study, run twice."""

    different: list[str]  # What came out otherwise; nothing where all is the same.
    stops: int  # How often it was really stopped.
    pruned: int
    runs: int


def fake_study(folder: Path, seed: int) -> Path:
    """Write a study of its own searched space's seed and length; return its config."""
    folder.mkdir(parents=True)
    export = write_export(folder / "export", {"train": 3, "valid": 2}, seed=seed)
    dice = random.Random(seed)
    path = folder / "small.yaml"
    sizes = {"epochs": dice.randint(3, 5), "trials": dice.randint(4, 6), "seed": seed}
    path.write_text(STUDY.format(export=export, root=folder / "mlruns", **sizes))
    return path


def noisy(config: TrainConfig) -> float:
    """Return a score that each configuration has for itself."""
    return 0.2 + 0.6 * random.Random(config.model_dump_json()).random()


def run_fake(path: Path) -> None:
    """Run a study on the fake trainer, or go on with it."""
    control_loop.POLL_SECONDS = 0.01
    if not driver.run_study(load_study(path), path, FakeLauncher(noisy)):
        os._exit(_STOPPED)


def stopped_fake_study(home: Path, stores: Path, seed: int, stops: int) -> Outcome:
    """Run one study as it is and once more with stops, and compare the two.

    `stores` holds both stores as they are when empty: to make them takes seconds.
    """
    results, stopped = [], 0
    for name, count in (("whole", 0), ("stopped", stops)):
        path = fake_study(home / name, seed)
        (path.parent / "mlruns").mkdir()
        for store in ("mlflow.db", "optuna.db"):
            (path.parent / "mlruns" / store).write_bytes((stores / store).read_bytes())
        began = time.monotonic()
        if not count:
            _forked(path.parent, lambda path=path: run_fake(path))
            longest = time.monotonic() - began
        dice = random.Random(seed)
        for _ in range(count):
            # Long enough to get somewhere, short enough that ten times do not reach the end.
            seconds = longest * dice.uniform(0.02, 0.25)
            stopped += _forked(path.parent, lambda path=path: run_fake(path), seconds, dice)
        if count:
            _forked(path.parent, lambda path=path: run_fake(path))
        _forked(path.parent, lambda path=path: _write_told(path))
        results.append(json.loads((path.parent / "told.json").read_text()))
    whole, again = results
    pruned = sum(run["outcome"] == "pruned" for run in whole["runs"])
    return Outcome(differences(whole, again), stopped, pruned, len(whole["runs"]))


def make_stores(root: Path) -> Path:
    """Make both stores, empty, in a process of its own."""
    root.mkdir(parents=True)

    def make() -> None:
        import optuna

        from spineseg.tracking.store import open_store

        open_store(root, None)
        optuna.storages.RDBStorage(f"sqlite:///{root / 'optuna.db'}")

    _forked(root, make)
    return root


def _forked(
    folder: Path,
    work: Callable[[], None],
    seconds: float | None = None,
    dice: random.Random | None = None,
) -> bool:
    """Do `work` in a fork, stopped by a signal after so many seconds; return whether it was.

    Raises AssertionError, with what it said, where it failed.
    """
    log = folder / "said.log"
    process = os.fork()
    if not process:
        code = 1
        try:
            said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(said, 1)
            os.dup2(said, 2)
            work()
            code = 0
        except KeyboardInterrupt:
            code = _STOPPED
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)
    if seconds is not None and dice is not None:
        time.sleep(seconds)
        os.kill(process, dice.choice(_SIGNALS))  # It is not waited for yet, so it is there.
    _, status = os.waitpid(process, 0)
    stopped = os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == _STOPPED
    if not stopped and os.WEXITSTATUS(status):
        raise AssertionError(log.read_text())
    return stopped


def _write_told(path: Path) -> None:
    (path.parent / "told.json").write_text(json.dumps(told(path)))


def told(path: Path) -> dict[str, Any]:
    """Return all that a study says but for times: table, runs, Optuna's trials, MLflow's states."""
    config = load_study(path)
    compare_study(config)
    folder = config.store.root / "work" / "studies" / config.name
    with (folder / "comparison.csv").open() as file:
        table = [
            {k: v for k, v in row.items() if k != "hours" and "seconds" not in k}
            for row in csv.DictReader(file)
        ]
    return {
        "table": table,
        "runs": [
            {
                "folder": run.folder.name,
                **run.job.model_dump(
                    mode="json", include={"kind", "arm", "changes", "parameters", "config"}
                ),
                "outcome": run.outcome,
                "epochs": [[event.epoch, event.metrics] for event in run.epochs],
                "end": run.finished
                and {
                    **{k: v for k, v in run.finished.metrics.items() if "seconds" not in k},
                    **run.finished.model_dump(include={"epochs", "best_epoch"}),
                },
            }
            for run in runs(config)
        ],
        "trials": [
            {
                "number": trial.number,
                "state": trial.state.name,
                "params": trial.params,
                "values": trial.values,
                "reported": {str(k): v for k, v in trial.intermediate_values.items()},
                "told": trial.user_attrs,
            }
            for trial in trials(config)
        ],
        "mlflow": {
            name: [status, tags.get("outcome")]
            for name, (status, tags) in mlflow_runs(config).items()
        },
    }


def differences(whole: dict[str, Any], again: dict[str, Any]) -> list[str]:
    """Return where two studies' accounts differ, a line each."""
    found = []
    for part, mine in whole.items():
        theirs = again[part]
        rows = [(None, mine, theirs)]
        if isinstance(mine, list):
            if len(mine) != len(theirs):
                found.append(f"{part}: {len(mine)} without a stop, {len(theirs)} with")
            rows = [(n, *pair) for n, pair in enumerate(zip(mine, theirs, strict=False))]
        for number, one, other in rows:
            name = f"{part} {'' if number is None else number}"
            found += _apart(name, one, other)
    return found


def _apart(name: str, one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return where two tables differ, a line each, those within them by their own keys."""
    found = []
    for key, value in one.items():
        theirs = other.get(key)
        if isinstance(value, dict) and isinstance(theirs, dict) and value.keys() == theirs.keys():
            found += _apart(f"{name} {key}", value, theirs)
        elif theirs != value:
            found.append(f"{name} {key}: {value} without a stop, {theirs} with")
    return found
