"""Stop studies at random moments, go on with them, and compare with the same ones never stopped.

python benchmarks/stopped_studies.py [--studies 20] [--stops 10] [--seed 0]   # on a fake trainer
python benchmarks/stopped_studies.py --real [--stops 10] [--seed 0]   # a tiny one, really trained

Stops are SIGKILL, SIGTERM and SIGINT; in a real study to the driver alone, whose training lives on,
or to all its processes. Compared are the table without its times, every run's parameters, epochs
and end, Optuna's trials and MLflow's states. Ends with 1 where anything differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from stopped_real_study import stopped_real_study
from stopped_studies import Outcome, make_stores, stopped_fake_study


def main() -> int:
    """Run what is asked for and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=20)
    parser.add_argument("--stops", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--real", action="store_true")
    asked = parser.parse_args()
    outcomes = []
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        seeds = [asked.seed] if asked.real else range(asked.seed, asked.seed + asked.studies)
        stores = home if asked.real else make_stores(home / "stores")
        for seed in seeds:
            start = time.monotonic()
            if asked.real:
                outcome = stopped_real_study(home, seed, asked.stops)
            else:
                outcome = stopped_fake_study(home / str(seed), stores, seed, asked.stops)
            outcomes.append(outcome)
            _report(seed, outcome, time.monotonic() - start)
    same = sum(not outcome.different for outcome in outcomes)
    stops = sum(outcome.stops for outcome in outcomes)
    print(f"{same} of {len(outcomes)} studies came out the same, stopped {stops} times in all")
    return 0 if same == len(outcomes) else 1


def _report(seed: int, outcome: Outcome, seconds: float) -> None:
    result = "the same" if not outcome.different else f"{len(outcome.different)} differences"
    print(
        f"study {seed}: {outcome.runs} runs, {outcome.pruned} pruned, stopped {outcome.stops} "
        f"times: {result} ({seconds:.0f} s)",
        flush=True,
    )
    for line in outcome.different[:10]:
        print(f"  {line[:300]}")


if __name__ == "__main__":
    raise SystemExit(main())
