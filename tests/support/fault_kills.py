"""A study killed at random moments by real signals, gone on with by the same command each time."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from fault_checks import problems, unexplained
from fault_study import DONE, STOPPED, Driver, FaultStudy, forked
from stopped_studies import differences, told

from spineseg.events import EVENTS_FILE

Starter = Callable[[FaultStudy], Driver]
WHOM = ("driver", "driver", "driver", "child", "child", "server", "worker", "all", "all")
_TOLD_SECONDS = 60.0  # For a driver that was told to stop, on a loaded machine.
_END_SECONDS = 600.0


@dataclass
class Outcome:
    """One study, killed so often, and what is wrong with it."""

    kills: Counter[str] = field(default_factory=Counter)  # whom -> how often
    starts: int = 0
    runs: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass
class _Victims:
    """Who was killed since its run's last new epoch: three deaths without one end a run."""

    deaths: Counter[Path] = field(default_factory=Counter)
    epochs: dict[Path, int] = field(default_factory=dict)

    def may_die(self, run: Path, most: int) -> bool:
        log = run / EVENTS_FILE
        epochs = log.read_text().count('"type": "epoch"') if log.exists() else 0
        if epochs > self.epochs.get(run, 0):
            self.deaths[run] = 0
        self.epochs[run] = epochs
        return self.deaths[run] < most


def killed_study(
    study: FaultStudy, dice: random.Random, kills: int, seconds: float, start: Starter = forked
) -> Outcome:
    """Run a study to its end with so many kills on its way; an undisturbed one takes `seconds`.

    Fewer where it comes to its end before. Its end, and what is wrong, are in the outcome.
    """
    outcome, victims = Outcome(), _Victims()
    driver = _started(study, outcome, start)
    while sum(outcome.kills.values()) < kills:
        until_then = time.monotonic() + seconds * dice.uniform(0.01, 0.2)
        while time.monotonic() < until_then and driver.poll() is None:
            time.sleep(0.01)
        if driver.poll() is not None:
            _judge_end(study, driver, outcome)
            if driver.code == DONE:
                break
            driver = _started(study, outcome, start)
            continue
        whom = dice.choice(WHOM)
        number = signal.SIGKILL
        if whom == "driver" and dice.random() < 0.4:
            number = dice.choice((signal.SIGTERM, signal.SIGINT))
        if not _kill(study, driver, whom, number, victims, dice):
            continue
        outcome.kills[whom if number == signal.SIGKILL else f"driver {number.name}"] += 1
        if whom in ("driver", "all"):
            try:
                driver.wait(_TOLD_SECONDS)
            except TimeoutError:
                outcome.problems.append(f"{number.name} was not obeyed in {_TOLD_SECONDS:.0f} s")
                driver.signal()
                driver.wait(10)
            if number != signal.SIGKILL:
                _judge_end(study, driver, outcome)
            time.sleep(dice.choice((0, 0, 0.3, 1)))  # Whoever lives on may get somewhere, or not.
            driver = _started(study, outcome, start)
    _to_the_end(study, driver, outcome, start)
    return outcome


def _started(study: FaultStudy, outcome: Outcome, start: Starter) -> Driver:
    outcome.starts += 1
    return start(study)


def _judge_end(study: FaultStudy, driver: Driver, outcome: Outcome) -> None:
    if driver.code not in (DONE, STOPPED, -signal.SIGTERM):  # Told before it listened.
        last = study.said.strip().splitlines()[-12:]
        outcome.problems.append(f"a driver ended with {driver.code}: " + " | ".join(last)[-900:])


def _to_the_end(study: FaultStudy, driver: Driver, outcome: Outcome, start: Starter) -> None:
    """Let it run to its end; a driver that gives up is started again a few times."""
    for _ in range(5):
        try:
            driver.wait(_END_SECONDS)
        except TimeoutError:
            outcome.problems.append(f"a driver hangs: {study.said.strip()[-300:]}")
            driver.signal()
            driver.wait(10)
        _judge_end(study, driver, outcome)
        if driver.code == DONE:
            return
        driver = _started(study, outcome, start)
    driver.signal()
    driver.wait(10)
    outcome.problems.append("it never came to its end")


def _kill(
    study: FaultStudy,
    driver: Driver,
    whom: str,
    number: signal.Signals,
    victims: _Victims,
    dice: random.Random,
) -> bool:
    """Kill whom is asked for; return whether there was one to kill."""
    if whom == "driver":
        driver.signal(number)
        return True
    with contextlib.suppress(psutil.Error):
        children = study.children()
        runs = {child.pid: _run_of(study, child) for child in children}
        children = [c for c in children if victims.may_die(runs[c.pid], 1 if whom != "all" else 2)]
        if whom == "all":
            if len(children) < len(runs):
                return False
            for run in runs.values():
                victims.deaths[run] += 1
            os.killpg(driver.pid, signal.SIGKILL)
            return True
        if whom == "server":
            servers = [
                process
                for process in psutil.Process(driver.pid).children()
                if any("forkserver" in word for word in process.cmdline())
            ]
            return _kill_one(servers, dice)
        if not children:
            return False
        child = dice.choice(children)
        victims.deaths[runs[child.pid]] += 1
        return _kill_one([child] if whom == "child" else child.children(), dice)
    return False


def _kill_one(among: list[psutil.Process], dice: random.Random) -> bool:
    if not among:
        return False
    dice.choice(among).kill()
    return True


def _run_of(study: FaultStudy, child: psutil.Process) -> Path:
    held = [Path(file.path) for file in child.open_files() if file.path.endswith("/lock")]
    return held[0].parent if held else study.path


def settled(study: FaultStudy, start: Starter = forked) -> list[str]:
    """Return what one more start of a study at its end does, and should not."""
    found = []
    before = _folders(study)
    again = start(study)
    if again.wait(_END_SECONDS) != DONE:
        found.append(f"once more, at its end, it ends with {again.code}: {study.said[-300:]}")
    if _folders(study) != before:
        found.append("one more start of it, at its end, changes its folders")
    return found


def _folders(study: FaultStudy) -> dict[str, str]:
    return {
        str(log.parent.name): log.read_text()
        for log in study.places.folder.glob(f"*/{EVENTS_FILE}")
    }


def account(study: FaultStudy, mlflow: Path, artifacts: Path) -> Path:
    """Write, in a fork, what a study says and what is wrong with it; return the file."""
    file = study.path.parent / "account.json"

    def write() -> int:
        said = told(study.path)
        wrong = problems(study, mlflow, artifacts)
        if study.slots > 1:
            wrong += unexplained(study)
        text = json.dumps({"told": said, "problems": wrong})
        file.write_text(text.replace(study.config.name, "small"))  # On a server each has its own.
        return 0

    driver = forked(study, write)
    if driver.wait(_END_SECONDS):
        raise AssertionError(study.said)
    return file


def compared(whole: Path | None, killed: Path) -> list[str]:
    """Return what is wrong with a killed study, and where it differs from one left alone."""
    mine = json.loads(killed.read_text())
    found = list(mine["problems"])
    if whole is not None:
        found += differences(json.loads(whole.read_text())["told"], mine["told"])
    return found
