"""How far the expected time left is from what it took, after each finished training.

python benchmarks/time_left.py [--studies 20] [--set KEY=VALUE]                 # made up
python benchmarks/time_left.py --folder mlruns/work/studies/NAME [--folder ..]       # recorded

Made-up studies have the times of made-up machines (tests/support/timed_runs.py). Recorded ones are
read as they are, and have to have ended. Ends with 1 where the median after the third training is
more than 15 % off.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import optuna
from measured import save
from timed_runs import timed_study

from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.expected import foreseen
from spineseg.runs import Run, read_runs

AFTER = (1, 2, 3, 5, 10, 20)
MARK = 0.15


def main() -> int:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=20)
    parser.add_argument("--config", type=Path, default=Path("configs/studies/spine.yaml"))
    parser.add_argument("--folder", type=Path, action="append", default=[])
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE of the config.")
    asked = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    errors: dict[int, list[float]] = defaultdict(list)
    for config, runs in _recorded(asked.folder) if asked.folder else _made_up(asked):
        for after in AFTER:
            if pair := foreseen(config, runs, after):
                errors[after].append((pair[0] - pair[1]) / pair[1])
    rows = {
        "studies": f"{len(errors[3])} {'recorded' if asked.folder else 'made up'}",
        **{f"after {n} trainings": _words(found) for n, found in errors.items()},
    }
    name = "-recorded" if asked.folder else "".join(f"-{each}" for each in asked.set)
    save(f"time-left{name}", rows)
    return 0 if errors[3] and median(map(abs, errors[3])) <= MARK else 1


def _made_up(asked: argparse.Namespace) -> list[tuple[StudyConfig, list[Run]]]:
    # The made-up machines know the pruner alone.
    alone = ["search.two_step=null", "search.audit=0"]
    config = load_study(asked.config, [*alone, *asked.set])
    return [(config, timed_study(config, seed)) for seed in range(asked.studies)]


def _recorded(folders: list[Path]) -> list[tuple[StudyConfig, list[Run]]]:
    return [(load_study(folder / "study.yaml"), read_runs(folder)) for folder in folders]


def _words(errors: list[float]) -> str:
    off = sorted(map(abs, errors))
    within = sum(each <= MARK for each in off)
    return (
        f"median {median(off):.1%} off, at most {off[-1]:.1%}, {within} of {len(off)} within "
        f"{MARK:.0%}, mean side {sum(errors) / len(errors):+.1%}"
    )


if __name__ == "__main__":
    sys.exit(main())
