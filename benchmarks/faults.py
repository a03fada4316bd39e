"""Kill studies at random moments, go on with them, and look at all that is left from outside.

python benchmarks/faults.py [--studies 20] [--kills 200] [--seed 0] [--jobs 1]
python benchmarks/faults.py [--executor local|ray|both] [--store own|server|both] [--slots 1]
python benchmarks/faults.py --real [--studies 10] [--kills 40]     # tiny ones, really trained

The studies' trainings are fake, their processes real: a driver, the server that children are forked
from, children with data-loader workers; every fifth study is on a Ray cluster of this machine. A
driver is killed (SIGKILL, SIGTERM, SIGINT), a child, all of them, a worker, all at once; on Ray the
process of an attempt, too, or a whole node, after which a fresh one comes. The same command goes
on. By turns a study has the own store or a real MLflow server, and one, two or four slots. At the
end each trial has one end and each epoch one record, in the folders and in both databases; nothing
is RUNNING, held or alive; with one slot all is as in the same study left alone on this machine;
with several each parameter is what the sampler gives for what was known then. Ends with 1 where
anything else is found.
"""

from __future__ import annotations

import argparse
import importlib.util
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from fault_cluster import FaultCluster, fault_cluster
from fault_kills import Outcome
from fault_rounds import Kind, Round, kinds, run_rounds
from measured import save
from mlflow_server import Server
from stopped_real_study import TinyStudy
from stopped_studies import make_stores

MOST_STUDIES = 5  # Times as many as asked for, where studies end before all kills are made.
KILLS, REAL_KILLS = 200, 40
STUDIES, REAL_STUDIES = 20, 10
NO_RAY = 'Ray is not installed (`make setup EXTRA="ray"`)'


def main() -> int:
    """Run what is asked for and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, help=f"{STUDIES}; {REAL_STUDIES} really trained")
    parser.add_argument("--kills", type=int, help=f"{KILLS} in all; {REAL_KILLS} really trained")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="studies side by side")
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--executor", choices=("both", "local", "ray"), default="both")
    parser.add_argument("--store", choices=("both", "own", "server"), default="both")
    parser.add_argument("--slots", type=int, default=0, help="0: one, two and four by turns")
    asked = parser.parse_args()
    studies = asked.studies or (REAL_STUDIES if asked.real else STUDIES)
    kills = asked.kills if asked.kills is not None else (REAL_KILLS if asked.real else KILLS)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # Ended so, it tidies up, too.
    with ExitStack() as open_things:
        home = Path(open_things.enter_context(tempfile.TemporaryDirectory()))
        if asked.real:
            return _real(home, asked.seed, studies, kills)
        return _fake(home, asked, studies, kills, open_things)


def _fake(
    home: Path, asked: argparse.Namespace, studies: int, kills: int, open_things: ExitStack
) -> int:
    @cache
    def server() -> Server:
        started = Server(home)
        started.start()
        open_things.callback(started.kill)
        return started

    @cache
    def cluster() -> FaultCluster:
        # Imported once, for all drivers that are forked from here; it starts no thread.
        import spineseg.training.executors.ray_cluster  # noqa: F401

        return open_things.enter_context(fault_cluster(home / "cluster"))

    place = Round(home, make_stores(home / "stores"), server, cluster)
    executor = asked.executor
    if executor == "both" and importlib.util.find_spec("ray") is None:
        print(f"no study is on Ray: {NO_RAY}", flush=True)
        executor = "local"
    wanted = kinds(asked.seed, executor, asked.store, asked.slots)
    outcomes: list[tuple[Kind, Outcome]] = []
    rounds = run_rounds(place, wanted, studies, kills, asked.jobs, MOST_STUDIES * studies)
    for kind, outcome, seconds in rounds:
        outcomes.append((kind, outcome))
        _report(kind, outcome, seconds)
    return _judged(outcomes, kills)


def _report(kind: Kind, outcome: Outcome, seconds: float) -> None:
    found = f"{len(outcome.problems)} problems" if outcome.problems else "whole"
    again = f", {outcome.again} epochs trained again" if outcome.again else ""
    print(
        f"study {kind.number} (seed {kind.seed}): {kind}, {outcome.runs} runs, "
        f"{outcome.kills.total()} kills ({_told(outcome.kills)}), {outcome.starts} starts{again}: "
        f"{found} ({seconds:.0f} s)",
        flush=True,
    )
    for line in outcome.problems[:12]:
        print(f"  {line[:1000]}", flush=True)


def _judged(outcomes: list[tuple[Kind, Outcome]], wanted: int) -> int:
    """Print and save what came out of all studies; return the exit code."""
    kills = sum((outcome.kills for _, outcome in outcomes), Counter[str]())
    on_ray = sum((outcome.kills for kind, outcome in outcomes if kind.on_ray), Counter[str]())
    whole = sum(not outcome.problems for _, outcome in outcomes)
    print(f"{whole} of {len(outcomes)} studies came out whole; {kills.total()} kills")
    each = Counter(str(kind) for kind, _ in outcomes)
    killed: Counter[str] = Counter()
    for kind, outcome in outcomes:
        killed[str(kind)] += outcome.kills.total()
    save(
        "faults",
        {
            "studies": len(outcomes),
            "of these whole": whole,
            "kills": kills.total(),
            "whom, on this machine": _told(kills - on_ray),
            "whom, on Ray": _told(on_ray) if on_ray or importlib.util.find_spec("ray") else NO_RAY,
            "starts": sum(outcome.starts for _, outcome in outcomes),
            "trainings": sum(outcome.runs for _, outcome in outcomes),
            "epochs trained again on Ray": sum(outcome.again for _, outcome in outcomes),
        }
        | {name: f"{each[name]} studies, {killed[name]} kills" for name in sorted(each)},
    )
    return 0 if whole == len(outcomes) and kills.total() >= wanted else 1


def _told(kills: Counter[str]) -> str:
    return ", ".join(f"{whom} {count}" for whom, count in sorted(kills.items())) or "nobody"


def _real(home: Path, seed: int, studies: int, kills: int) -> int:
    """Kill really trained studies, each at moments of its own; one left alone is for all."""
    tiny = TinyStudy(home)
    whole, runs, stops = 0, 0, Counter[str]()
    for number in range(studies):
        began = time.monotonic()
        share = max(0, -(-(kills - stops.total()) // (studies - number)))
        outcome, whom = tiny.stopped(seed + number, share)
        whole, runs, stops = whole + (not outcome.different), runs + outcome.runs, stops + whom
        found = f"{len(outcome.different)} differences" if outcome.different else "the same"
        print(
            f"real study {seed + number}: {outcome.runs} runs, {outcome.stops} kills "
            f"({_told(whom)}): {found} ({time.monotonic() - began:.0f} s)",
            flush=True,
        )
        for line in outcome.different[:20]:
            print(f"  {line[:300]}", flush=True)
    print(f"{whole} of {studies} studies came out the same; {stops.total()} kills")
    save(
        "faults_real",
        {
            "studies": studies,
            "of these the same as one left alone": whole,
            "trainings": runs,
            "kills": stops.total(),
            "whom": _told(stops),
        },
    )
    return 0 if whole == studies and stops.total() >= kills else 1


if __name__ == "__main__":
    raise SystemExit(main())
