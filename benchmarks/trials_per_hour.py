"""Count trainings an hour at one, two and four slots, whose trainings sleep and compute nothing.

python benchmarks/trials_per_hour.py [--rounds 3] [--trials 14] [--epoch-seconds 0.5] [--no-ray]

What is lost against so many slots that are never idle is the driver's: looking, asking, starting.
Two slots are on two nodes of a Ray cluster on this machine, too; without Ray installed, or with
--no-ray, they are not, and the result says so. Ratios only: medians of rounds in which each has
its turn.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from fake_process import Manner
from fault_cluster import fault_cluster
from fault_ray import write_ray_study
from fault_study import SHORT, write_fault_study
from measured import ratio, run_to_end, save, trials_per_hour, workplace

SLOTS = (1, 2, 4)
ON_RAY = 2  # Nodes, with a slot each.
TEXT = SHORT.replace(
    "  pruner: {{keep_percent: 50, startup_trials: 2, warmup_epochs: 1}}\n", "  pruner: null\n"
)


def main() -> None:
    """Run what is asked for and keep what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=14)
    parser.add_argument("--epoch-seconds", type=float, default=0.5)
    parser.add_argument("--no-ray", action="store_true")
    asked = parser.parse_args()
    rates: dict[int, list[float]] = {slots: [] for slots in SLOTS}
    on_nodes: list[float] = []
    what: dict[str, Any] = {"text": TEXT, "manner": Manner(asked.epoch_seconds)}
    what |= {"trials": asked.trials, "epochs": 4}
    on_ray = not asked.no_ray and importlib.util.find_spec("ray") is not None
    with workplace() as (home, stores), ExitStack() as open_things:
        cluster = open_things.enter_context(fault_cluster(home / "cluster")) if on_ray else None
        for number in range(asked.rounds):
            for slots in SLOTS:
                folder = home / f"{number}-{slots}"
                study = write_fault_study(folder, stores, seed=number, slots=slots, **what)
                run_to_end(study)
                rates[slots].append(trials_per_hour(study))
            if cluster is not None:
                folder = home / f"{number}-ray"
                study = write_ray_study(folder, stores, cluster, seed=number, slots=ON_RAY, **what)
                run_to_end(study)
                on_nodes.append(trials_per_hour(study))
    ideal = 3600 / (4 * asked.epoch_seconds)
    figures: dict[str, object] = {"trainings": asked.trials + 2, "rounds": asked.rounds}
    for slots in SLOTS:
        figures[f"{slots} slots against one"] = ratio(rates[slots], rates[1])
        share = statistics.median(rates[slots]) / ideal / slots
        figures[f"{slots} slots against never idle"] = round(share, 3)
    figures[f"{ON_RAY} nodes of Ray against {ON_RAY} slots here"] = (
        ratio(on_nodes, rates[ON_RAY]) if on_nodes else "not measured"
    )
    save("trials_per_hour", figures)


if __name__ == "__main__":
    main()
