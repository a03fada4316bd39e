"""Count trainings an hour at one, two and four slots, whose trainings sleep and compute nothing.

python benchmarks/trials_per_hour.py [--rounds 3] [--trials 14] [--epoch-seconds 0.5]

What is lost against so many slots that are never idle is the driver's: looking, asking, starting.
Ratios only: medians of rounds in which each number of slots has its turn.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from fake_process import Manner
from fault_study import SHORT, write_fault_study
from measured import ratio, run_to_end, save, trials_per_hour, workplace

SLOTS = (1, 2, 4)


def main() -> None:
    """Run what is asked for and keep what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=14)
    parser.add_argument("--epoch-seconds", type=float, default=0.5)
    asked = parser.parse_args()
    rates: dict[int, list[float]] = {slots: [] for slots in SLOTS}
    with workplace() as (home, stores):
        for number in range(asked.rounds):
            for slots in SLOTS:
                study = write_fault_study(
                    home / f"{number}-{slots}",
                    stores,
                    seed=number,
                    slots=slots,
                    text=SHORT.replace("  pruner: {{keep_percent: 50, startup_trials: 2, "
                                       "warmup_epochs: 1}}\n", "  pruner: null\n"),
                    manner=Manner(asked.epoch_seconds),
                    trials=asked.trials,
                    epochs=4,
                )  # fmt: skip
                run_to_end(study)
                rates[slots].append(trials_per_hour(study))
    ideal = 3600 / (4 * asked.epoch_seconds)
    figures: dict[str, object] = {"trainings": asked.trials + 2, "rounds": asked.rounds}
    for slots in SLOTS:
        figures[f"{slots} slots against one"] = ratio(rates[slots], rates[1])
        share = statistics.median(rates[slots]) / ideal / slots
        figures[f"{slots} slots against never idle"] = round(share, 3)
    save("trials_per_hour", figures)


if __name__ == "__main__":
    main()
