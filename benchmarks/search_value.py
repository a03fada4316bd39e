"""Epochs that ways to search spend to reach the best final score of 30 random trials.

python benchmarks/search_value.py [--seeds 10] [--config configs/studies/spine.yaml]

On made-up learning curves over the study's own space (tests/support/learning_curves.py), another
landscape with each seed; nothing is trained and nothing fitted to trainings. Writes docs/search.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import numpy as np
import optuna
from learning_curves import Landscape
from measured import save
from scipy.stats import spearmanr
from search_page import write_page
from search_ways import Ended, Task, model_tune, percentile, random_search, tpe, two_step

from spineseg.config.search import Choices
from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study

RANDOM_TRIALS, MOST_EPOCHS = 30, 30_000
TRIALS, FIRST, KEEP = 40, 25, 4
TUNE = "Ultralytics' model.tune"
SETTINGS = ((10, 4), (25, 4), (50, 4))
CROSSINGS = (0.0, 1.0)


def main() -> int:
    """Measure, print, keep the figures and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--config", type=Path, default=Path("configs/studies/spine.yaml"))
    asked = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    config = load_study(asked.config)
    rows: dict[str, str] = {"seeds": str(asked.seeds), "epochs of a training": _epochs(config)}
    with tempfile.TemporaryDirectory() as name:
        for crossing in CROSSINGS:
            tasks = [_task(config, seed, crossing) for seed in range(asked.seeds)]
            rows |= _compared(tasks, _ways(Path(name), crossing == 1), crossing)
    save("search-value", rows)
    print(write_page())
    return 0


def _epochs(config: StudyConfig) -> str:
    return str(config.baseline.epochs)


def _ways(folder: Path, all_of_them: bool) -> dict[str, Callable[[Task], Ended]]:
    ways: dict[str, Callable[[Task], Ended]] = {
        TUNE: model_tune(folder),
        "random search": random_search,
        "TPE, none pruned": tpe,
        "TPE, percentile pruner": percentile,
    }
    for first, keep in SETTINGS if all_of_them else ((FIRST, KEEP),):
        ways[f"two steps, {TRIALS} trials to {first} epochs, best {keep}"] = two_step(
            first, keep, TRIALS
        )
    return ways


def _task(config: StudyConfig, seed: int, crossing: float) -> Task:
    land = Landscape(config.search.space, seed, config.baseline.epochs, crossing)
    start = {}
    for name, axis in config.search.space.items():
        value = getattr(config.baseline, name)
        if not isinstance(axis, Choices):
            value = min(max(value, axis.low), axis.high)
        start[name] = value
    return Task(land, config.search, start, seed)


def _compared(
    tasks: list[Task], ways: dict[str, Callable[[Task], Ended]], crossing: float
) -> dict[str, str]:
    targets = [_target(task) for task in tasks]
    head = f"crossing {crossing:g}"
    rows = {f"{head}: rank correlation, epoch {FIRST} and last": _correlations(tasks)}
    spent = {
        name: [_spent(way(task), target) for task, target in zip(tasks, targets, strict=True)]
        for name, way in ways.items()
    }
    for name, found in spent.items():
        low, high = _interval(found)
        rows[f"{head}: {name}"] = (
            f"{median(found):.0f} ({low:.0f} to {high:.0f})"
            f"{_share(found, spent[TUNE]) if name != TUNE else ''}{_missed(found)}"
        )
        print(head, name, rows[f"{head}: {name}"], flush=True)
    return rows


def _target(task: Task) -> float:
    """Return the best final score of random trials, none of which any way to search draws."""
    rng = np.random.default_rng([task.seed, 3])
    return max(
        float(task.curve(task.land.random(rng), 50_000 + n).max()) for n in range(RANDOM_TRIALS)
    )


def _spent(ended: Ended, target: float) -> float:
    """Return the epochs until a training ends at the target; `MOST_EPOCHS` where none does."""
    whole = 0
    for epochs, score in ended:
        whole += epochs
        if whole >= MOST_EPOCHS:
            break
        if score >= target:
            return whole
    return MOST_EPOCHS


def _interval(found: list[float]) -> tuple[float, float]:
    """Return the 95 % interval of the median, by drawing seeds again."""
    rng = np.random.default_rng(0)
    drawn = np.sort(rng.choice(found, (4000, len(found))), axis=1)
    middles = np.sort((drawn[:, (len(found) - 1) // 2] + drawn[:, len(found) // 2]) / 2)
    return float(middles[100]), float(middles[-101])


def _share(found: list[float], tune: list[float]) -> str:
    rng = np.random.default_rng(1)
    picks = rng.integers(0, len(found), (4000, len(found)))
    one, other = np.array(found), np.array(tune)
    shares = np.sort(np.median(one[picks], axis=1) / np.median(other[picks], axis=1))
    middle = float(np.median(one) / np.median(other))
    return f"; {middle:.2f} ({shares[100]:.2f} to {shares[-101]:.2f}) of model.tune's"


def _missed(found: list[float]) -> str:
    missed = found.count(MOST_EPOCHS)
    return f"; {missed} not within {MOST_EPOCHS} epochs, and counted so" if missed else ""


def _correlations(tasks: list[Task]) -> str:
    found = []
    for task in tasks:
        rng = np.random.default_rng([task.seed, 5])
        curves = [task.curve(task.land.random(rng), 70_000 + n) for n in range(100)]
        pairs = [(c[:FIRST].max(), c.max()) for c in curves]
        found.append(float(spearmanr(*zip(*pairs, strict=True)).statistic))
    return f"{median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


if __name__ == "__main__":
    sys.exit(main())
