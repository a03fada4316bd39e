"""Count trainings an hour beside an MLflow server that never answers, against a store that does.

python benchmarks/hung_mlflow.py [--rounds 5] [--trials 6] [--epoch-seconds 1.0]

The server takes each request and answers none. Mark: within two per cent, as the median of rounds
in which each has its turn, and which is first changes; ends with 1 beyond it.
"""

from __future__ import annotations

import argparse
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from fake_process import Manner
from fault_study import SHORT, write_fault_study
from measured import ratio, run_to_end, save, trials_per_hour, workplace

MARK = 0.02


def main() -> int:
    """Run what is asked for and keep what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--epoch-seconds", type=float, default=1.0)
    asked = parser.parse_args()
    rates: dict[str, list[float]] = {"hung": [], "answers": []}
    with workplace() as (home, stores):
        for number in range(asked.rounds):
            for who in ("hung", "answers") if number % 2 else ("answers", "hung"):
                # The kernel takes the connections; a thread must not be where drivers are forked.
                server = socket.create_server(("127.0.0.1", 0), backlog=4096)
                uri = f"http://127.0.0.1:{server.getsockname()[1]}" if who == "hung" else None
                study = write_fault_study(
                    home / f"{number}-{who}",
                    stores,
                    seed=number,
                    text=SHORT,
                    manner=Manner(asked.epoch_seconds),
                    mlflow_uri=uri,
                    trials=asked.trials,
                    epochs=4,
                )
                run_to_end(study)
                rates[who].append(trials_per_hour(study))
                server.close()
    found = ratio(rates["hung"], rates["answers"])
    save(
        "hung_mlflow",
        {
            "trainings": asked.trials + 2,
            "rounds": asked.rounds,
            "trainings an hour, hung against answering": found,
            "mark": f"{1 - MARK:.2f} or more",
        },
    )
    return 0 if found >= 1 - MARK else 1


if __name__ == "__main__":
    raise SystemExit(main())
