"""Many studies killed at random, a few side by side: which, each in a process of its own, and told.

Whoever starts them has no thread: each is forked from it, and starts its drivers by forking, too.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fake_process import Manner
from fault_account import account, compared, settled
from fault_cluster import FaultCluster
from fault_kills import Outcome, killed_study
from fault_ray import write_ray_study
from fault_study import DONE, FaultStudy, forked, write_fault_study
from mlflow_server import Server

Executor = Literal["local", "ray", "both"]
Store = Literal["own", "server", "both"]
LOCAL_SLOTS = (1, 1, 2, 1, 4)
RAY_SLOTS = (1, 2, 4)
RAY_EVERY = 5  # So many studies have one on Ray among them, and one seed: left alone but once.
Killed = Callable[..., str]
"""The fixture `killed`: kill studies by the words of a command line, and return what it says."""
MANNER = Manner(epoch_seconds=0.1, workers=2)
_RAY_RUN_SECONDS = 2.5  # What a training on a node takes longer than one here, about.
_ALONE_SECONDS = 1200.0


@dataclass(frozen=True)
class Kind:
    """One study to be killed: which it is, and where it trains and is tracked."""

    number: int
    seed: int
    slots: int
    on_ray: bool
    served: bool

    def __str__(self) -> str:
        slots = "1 slot" if self.slots == 1 else f"{self.slots} slots"
        where = "Ray" if self.on_ray else "local"
        return f"{where}, {'server' if self.served else 'own store'}, {slots}"


def kinds(seed: int, executor: Executor, store: Store, slots: int = 0) -> Iterator[Kind]:
    """Give studies without end; what is "both", and slots where they are 0, goes by turns."""
    turns: Counter[bool] = Counter()
    number = 0
    while True:
        on_ray = executor == "ray" or (executor == "both" and number % RAY_EVERY == RAY_EVERY - 1)
        turn, by_turns = turns[on_ray], RAY_SLOTS if on_ray else LOCAL_SLOTS
        served = store == "server" or (store == "both" and turn % 2 == 1)
        each = slots or by_turns[turn % len(by_turns)]
        yield Kind(number, seed + number // RAY_EVERY, each, on_ray, served)
        turns[on_ray] += 1
        number += 1


@dataclass
class Round:
    """Where studies are written, and what they share."""

    home: Path
    stores: Path
    server: Callable[[], Server]  # Started where it is first asked for.
    cluster: Callable[[], FaultCluster]
    alone: dict[int, tuple[Path, float, int]] = field(default_factory=dict)

    def left_alone(self, seed: int) -> tuple[Path, float, int]:
        """Return what a seed's study says that nobody kills, its seconds, and its trainings."""
        if seed not in self.alone:
            folder = self.home / f"alone-{seed}"
            study = write_fault_study(folder, self.stores, seed=seed, manner=MANNER)
            began = time.monotonic()
            if forked(study).wait(_ALONE_SECONDS) != DONE:
                raise AssertionError(study.said)
            seconds, said = time.monotonic() - began, _account(study, None)
            if found := compared(None, said):
                raise AssertionError(f"wrong where nobody kills: {found}")
            self.alone[seed] = said, seconds, len(json.loads(said.read_text())["told"]["runs"])
        return self.alone[seed]

    def begin(self, kind: Kind, kills: int) -> Begun:
        """Begin to kill a study, in a fork."""
        alone = self.left_alone(kind.seed)
        server = self.server() if kind.served else None
        cluster = self.cluster() if kind.on_ray else None
        file = self.home / f"outcome-{kind.number}.json"
        began, pid = time.monotonic(), os.fork()
        if pid:
            return Begun(kind, kills, pid, file, began)
        code = 1
        try:
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            outcome = self._killed(kind, kills, alone, server, cluster)
            file.write_text(json.dumps(vars(outcome)))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            with suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _killed(
        self,
        kind: Kind,
        kills: int,
        alone: tuple[Path, float, int],
        server: Server | None,
        cluster: FaultCluster | None,
    ) -> Outcome:
        whole, seconds, runs = alone
        study = self._written(kind, server, cluster)
        seconds += _RAY_RUN_SECONDS * runs if kind.on_ray else 0
        seconds /= min(kind.slots, os.cpu_count() or 1)
        outcome = killed_study(study, random.Random(kind.number), kills, seconds)
        outcome.problems += settled(study)
        killed = _account(study, server)
        outcome.problems += compared(whole if kind.slots == 1 else None, killed)
        said = json.loads(killed.read_text())
        outcome.runs, outcome.again = len(said["told"]["runs"]), said["again"]
        return outcome

    def _written(
        self, kind: Kind, server: Server | None, cluster: FaultCluster | None
    ) -> FaultStudy:
        folder = self.home / str(kind.number)
        uri = server.uri if server else None
        more: dict[str, Any] = {"seed": kind.seed, "slots": kind.slots}
        more |= {"manner": MANNER, "mlflow_uri": uri}
        if cluster:
            study: FaultStudy = write_ray_study(folder, self.stores, cluster, **more)
        else:
            study = write_fault_study(folder, self.stores, **more)
        # All in one store, and on one cluster: each needs a name of its own there.
        text = study.path.read_text().replace("name: small", f"name: small-{kind.number}", 1)
        study.path.write_text(text)
        return study


@dataclass
class Begun:
    """A study that is being killed."""

    kind: Kind
    kills: int  # As many as it was asked for.
    pid: int
    file: Path
    began: float

    def ended(self) -> Outcome | None:
        """Return what came out; None while it is at work. One without a word is a problem."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            return None
        if not self.file.exists():
            told = f"what kills it ended with {os.waitstatus_to_exitcode(status)}"
            return Outcome(problems=[told])
        said = json.loads(self.file.read_text())
        return Outcome(**said | {"kills": Counter(said["kills"])})


def run_rounds(
    place: Round, of: Iterator[Kind], studies: int, kills: int, jobs: int, most: int
) -> Iterator[tuple[Kind, Outcome, float]]:
    """Kill studies, so many at a time, and give each with its seconds when it is over.

    More than `studies`, up to `most`, where they came to their ends before all kills were made.
    There is one cluster, and one study at a time on it.
    """
    left, begun = kills, 0
    at_work: list[Begun] = []
    waiting = [next(of) for _ in range(studies)]
    try:
        while waiting or at_work or (left > 0 and begun < most):
            if not waiting and left > 0 and begun < most and len(at_work) < jobs:
                waiting.append(next(of))
            ray_is_busy = any(one.kind.on_ray for one in at_work)
            fit = [kind for kind in waiting if not (kind.on_ray and ray_is_busy)]
            if fit and len(at_work) < jobs:
                share = max(0, -(-left // max(1, studies - begun)))
                at_work.append(place.begin(fit[0], share))
                waiting.remove(fit[0])
                begun += 1
                left -= share
                continue
            for one in list(at_work):
                if outcome := one.ended():
                    at_work.remove(one)
                    left += one.kills - outcome.kills.total()
                    yield one.kind, outcome, time.monotonic() - one.began
            time.sleep(0.1)
    finally:
        for one in at_work:
            os.kill(one.pid, signal.SIGTERM)
            os.waitpid(one.pid, 0)


def _account(study: FaultStudy, server: Server | None) -> Path:
    root = study.config.store.root
    database = server.folder / "server.db" if server else root / "mlflow.db"
    return account(study, database, server.folder / "served" if server else root / "artifacts")
