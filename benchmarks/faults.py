"""Kill studies at random moments, go on with them, and look at all that is left from outside.

python benchmarks/faults.py [--studies 20] [--kills 200] [--seed 0]
python benchmarks/faults.py --real [--kills 8]     # tiny ones, really trained

The studies' trainings are fake, their processes real: a driver, the server that children are forked
from, children with data-loader workers. One of them, or all at once, is killed (SIGKILL; a driver
by SIGTERM and SIGINT, too), and the same command goes on. By turns a study has the own store or a
real MLflow server, and one, two or four slots. At the end each trial has one end and each epoch one
record, in the folders and in both databases; nothing is RUNNING, held or alive; with one slot all
is as in the same study left alone; with several each parameter is what the sampler gives for what
was known then. Ends with 1 where anything else is found.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from fake_process import Manner
from fault_kills import Outcome, account, compared, killed_study, settled
from fault_study import DONE, FaultStudy, forked, write_fault_study
from measured import save
from mlflow_server import Server
from stopped_real_study import stopped_real_study
from stopped_studies import make_stores

SLOTS = (1, 1, 2, 1, 4)
MANNER = Manner(epoch_seconds=0.1, workers=2)
MOST_STUDIES = 5  # Times as many as asked for, where studies end before all kills are made.


def main() -> int:
    """Run what is asked for and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=20)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--store", choices=("both", "own", "server"), default="both")
    parser.add_argument("--slots", type=int, default=0, help="0: one, two and four by turns")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if asked.real:
            return _real(Path(name), asked.seed, asked.kills)
        outcomes = _fake(Path(name), asked)
    kills: Counter[str] = sum((o.kills for o in outcomes), Counter())
    whole = sum(not outcome.problems for outcome in outcomes)
    told = ", ".join(f"{whom} {count}" for whom, count in sorted(kills.items()))
    print(f"{whole} of {len(outcomes)} studies came out whole; {kills.total()} kills: {told}")
    save(
        "faults",
        {
            "studies": len(outcomes),
            "of these whole": whole,
            "kills": kills.total(),
            "whom": told,
            "starts": sum(outcome.starts for outcome in outcomes),
            "trainings": sum(outcome.runs for outcome in outcomes),
        },
    )
    return 0 if whole == len(outcomes) and kills.total() >= asked.kills else 1


def _fake(home: Path, asked: argparse.Namespace) -> list[Outcome]:
    stores = make_stores(home / "stores")
    server = Server(home) if asked.store != "own" else None
    if server:
        server.start()
    outcomes: list[Outcome] = []
    left = asked.kills
    try:
        while len(outcomes) < asked.studies or (
            left > 0 and len(outcomes) < MOST_STUDIES * asked.studies
        ):
            number = len(outcomes)
            slots = asked.slots or SLOTS[number % len(SLOTS)]
            served = server if asked.store == "server" or number % 2 else None
            share = -(-left // max(1, asked.studies - number)) if left > 0 else 0
            began = time.monotonic()
            outcome = _study(home, stores, served, asked.seed + number, slots, share)
            outcomes.append(outcome)
            left -= outcome.kills.total()
            _report(asked.seed + number, slots, bool(served), outcome, time.monotonic() - began)
    finally:
        if server:
            server.kill()
    return outcomes


def _study(
    home: Path, stores: Path, server: Server | None, seed: int, slots: int, kills: int
) -> Outcome:
    """Run one study left alone and once more killed, and look at both."""
    studies = [
        _written(home / f"{seed}-{name}", stores, server, seed, slots, name)
        for name in ("whole", "killed")
    ]
    began = time.monotonic()
    if forked(studies[0]).wait(600) != DONE:
        raise AssertionError(studies[0].said)
    outcome = killed_study(studies[1], random.Random(seed), kills, time.monotonic() - began)
    outcome.problems += settled(studies[1])
    files = []
    for study in studies:
        root = study.config.store.root
        database = server.folder / "server.db" if server else root / "mlflow.db"
        artifacts = server.folder / "served" if server else root / "artifacts"
        files.append(account(study, database, artifacts))
    whole, killed = files
    outcome.problems += [f"left alone: {line}" for line in compared(None, whole)]
    outcome.problems += compared(whole if slots == 1 else None, killed)
    outcome.runs = len(json.loads(killed.read_text())["told"]["runs"])
    return outcome


def _written(
    folder: Path, stores: Path, server: Server | None, seed: int, slots: int, name: str
) -> FaultStudy:
    uri = server.uri if server else None
    study = write_fault_study(folder, stores, seed=seed, slots=slots, manner=MANNER, mlflow_uri=uri)
    if server:  # All in one store: each needs a name of its own there.
        text = study.path.read_text().replace("name: small", f"name: small-{seed}-{name}", 1)
        study.path.write_text(text)
    return study


def _report(seed: int, slots: int, served: bool, outcome: Outcome, seconds: float) -> None:
    store = "server" if served else "own store"
    found = f"{len(outcome.problems)} problems" if outcome.problems else "whole"
    print(
        f"study {seed}: {store}, {slots} slots, {outcome.runs} runs, {outcome.kills.total()} kills,"
        f" {outcome.starts} starts: {found} ({seconds:.0f} s)",
        flush=True,
    )
    for line in outcome.problems[:12]:
        print(f"  {line[:1000]}", flush=True)


def _real(home: Path, seed: int, kills: int) -> int:
    outcome = stopped_real_study(home, seed, kills)
    for line in outcome.different[:20]:
        print(f"  {line[:300]}")
    found = f"{len(outcome.different)} differences" if outcome.different else "the same"
    print(f"a real study of {outcome.runs} runs, stopped {outcome.stops} times: {found}")
    return 1 if outcome.different else 0


if __name__ == "__main__":
    raise SystemExit(main())
