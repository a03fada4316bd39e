"""A study killed at random moments by real signals, gone on with by the same command each time."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from fault_cluster import is_attempt
from fault_ray import RayFaultStudy
from fault_study import DONE, Driver, FaultStudy, forked

from spineseg.events import EVENTS_FILE, Lost, Started
from spineseg.runs import read_runs

Starter = Callable[[FaultStudy], Driver]
_DRIVER = ("driver", "driver SIGTERM", "driver SIGINT")
WHOM = {
    "local": (*_DRIVER, "child", "child", "children", "server", "worker", "all", "all"),
    "Ray": (*_DRIVER, "child", "children", "worker", "attempt", "node", "node", "all"),
}
"""Who is killed in ten kills: on Ray there is the process of an attempt, and a whole node."""
_EPOCH = re.compile(r'"type": "epoch".*?"epoch": (\d+)')
_NOTICED_SECONDS = 120.0
_TOLD_SECONDS = 60.0  # For a driver that was told to stop, on a loaded machine.
END_SECONDS = 600.0
"""For a driver that nobody kills any more."""


@dataclass
class Outcome:
    """One study, killed so often, and what is wrong with it."""

    kills: Counter[str] = field(default_factory=Counter)  # whom -> how often
    starts: int = 0
    runs: int = 0
    again: int = 0  # Epochs that were trained again, as a node took them with it.
    problems: list[str] = field(default_factory=list)


@dataclass
class Victims:
    """Who was killed since its run's last new epoch: three deaths without one end a run."""

    deaths: Counter[Path] = field(default_factory=Counter)
    epochs: dict[Path, int] = field(default_factory=dict)

    def may_die(self, run: Path, most: int) -> bool:
        log = run / EVENTS_FILE
        # Each epoch once: one that is trained again is no further one.
        epochs = len(set(_EPOCH.findall(log.read_text()))) if log.exists() else 0
        if epochs > self.epochs.get(run, 0):
            self.deaths[run] = 0
        self.epochs[run] = epochs
        return self.deaths[run] < most


def killed_study(
    study: FaultStudy,
    dice: random.Random,
    kills: int,
    seconds: float,
    start: Starter = forked,
) -> Outcome:
    """Run a study to its end with so many kills on its way; an undisturbed one takes `seconds`.

    Fewer where it comes to its end before. Its end, and what is wrong, are in the outcome. Of ten
    kills each is another of `WHOM`, in an order drawn at random.
    """
    begun: list[Driver] = []

    def noted(one: FaultStudy) -> Driver:
        begun.append(start(one))
        return begun[-1]

    try:
        return _killed(study, dice, kills, seconds, noted)
    except BaseException:  # Whoever interrupts it wants nothing of it to live on.
        for driver in begun[-1:]:
            driver.signal()
        _kill_each(study.processes())
        raise


def _killed(
    study: FaultStudy, dice: random.Random, kills: int, seconds: float, start: Starter
) -> Outcome:
    whom_of: list[str] = []
    outcome, victims = Outcome(), Victims()
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
        whom_of = whom_of or list(WHOM["Ray" if isinstance(study, RayFaultStudy) else "local"])
        chosen = dice.choice(whom_of)
        whom, _, name = chosen.partition(" ")
        number = signal.Signals[name or "SIGKILL"]
        if not _kill(study, driver, whom, number, victims, dice):
            continue  # It is there later, perhaps.
        whom_of.remove(chosen)
        outcome.kills[chosen] += 1
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
    outcome.problems += _failed(study)
    return outcome


def _failed(study: FaultStudy) -> list[str]:
    """Tell of failed runs, which none of these is, and of what was said of their attempts."""
    return [
        f"{run.folder.name} failed: {run.failed.message}; its attempts: "
        + ", ".join(
            f"{type(e).__name__} {e.attempt} {getattr(e, 'message', '')}".strip()
            for e in run.log
            if isinstance(e, Started | Lost)
        )
        for run in read_runs(study.places.folder)
        if run.failed
    ]


def _started(study: FaultStudy, outcome: Outcome, start: Starter) -> Driver:
    outcome.starts += 1
    return start(study)


def _judge_end(study: FaultStudy, driver: Driver, outcome: Outcome) -> None:
    if driver.code is None or not study.may_end(driver.code):
        last = study.said.strip().splitlines()[-12:]
        outcome.problems.append(f"a driver ended with {driver.code}: " + " | ".join(last)[-900:])


def _to_the_end(study: FaultStudy, driver: Driver, outcome: Outcome, start: Starter) -> None:
    """Let it run to its end; a driver that gives up is started again a few times."""
    for _ in range(5):
        try:
            driver.wait(END_SECONDS)
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
    victims: Victims,
    dice: random.Random,
) -> bool:
    """Kill whom is asked for; return whether there was one to kill."""
    if whom == "driver":
        driver.signal(number)
        return True
    if whom == "server":
        return _kill_some(_servers(driver), dice)
    if whom == "node":
        return isinstance(study, RayFaultStudy) and _kill_node(study, driver, victims, dice)
    with contextlib.suppress(psutil.Error):
        children = study.children()
        runs = {child.pid: study.run_of(child) for child in children}
        dying = [c for c in children if victims.may_die(runs[c.pid], 2 if whom == "all" else 1)]
        if whom in ("all", "children"):
            if len(dying) < len(runs) or (whom == "children" and not dying):
                return False
        elif dying:
            dying = [dice.choice(dying)]
        else:
            return False
        for child in dying:
            victims.deaths[runs[child.pid]] += 1
        if whom == "all":
            if isinstance(study, RayFaultStudy):
                _kill_each([*study.cluster.attempts(), *dying])
            os.killpg(driver.pid, signal.SIGKILL)
            return True
        if whom == "worker":
            return _kill_some(dying[0].children(), dice)
        if whom == "attempt":
            return _kill_some([p for p in dying[0].parents() if is_attempt(p)], dice)
        return _kill_each(dying)
    return False


def _kill_node(study: RayFaultStudy, driver: Driver, victims: Victims, dice: random.Random) -> bool:
    """Kill a node, one that trains where there is one, and have a fresh one come in its place."""
    on = {node: study.on(node) for node in study.cluster.raylets}
    node = dice.choice([node for node, runs in on.items() if runs] or list(on))
    if not all(victims.may_die(run, 1) for run in on[node]):
        return False
    losses = {run: _losses(run) for run in on[node]}
    for run in on[node]:
        victims.deaths[run] += 1
    study.cluster.kill(node)
    end = time.monotonic() + _NOTICED_SECONDS
    # A fresh node beside one that is not known to be gone is a slot more, and draws more.
    while study.slots == 1 and driver.poll() is None and time.monotonic() < end:
        if all(_losses(run) > count for run, count in losses.items()):
            break
        time.sleep(0.1)
    study.fresh_node()
    return True


def _losses(run: Path) -> int:
    log = run / EVENTS_FILE
    return log.read_text().count('"type": "lost"') if log.exists() else 0


def _servers(driver: Driver) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return [
            process
            for process in psutil.Process(driver.pid).children()
            if any("forkserver" in word for word in process.cmdline())
        ]
    return []


def _kill_some(among: list[psutil.Process], dice: random.Random) -> bool:
    return bool(among) and _kill_each([dice.choice(among)])


def _kill_each(doomed: list[psutil.Process]) -> bool:
    """Kill processes; return whether any was there."""
    killed = 0
    for process in doomed:
        with contextlib.suppress(psutil.Error):
            process.kill()
            killed += 1
    return killed > 0
