"""Compare a training that is killed and gone on with, to one that is not; and time an epoch.

git worktree add /tmp/other COMMIT
python benchmarks/exact_resume.py [--kills 4] [--device cpu] [--other /tmp/other] [--rounds 3]

A few synthetic films, a handful of epochs with mosaic, mixup, warm-up and steps over several
batches. Told are the epochs' figures and weights that differ (none on a CPU), then, with `--other`,
the median seconds of an epoch in this tree and in that one, in turns, the first epoch left out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from stopped_training import CONFIG, differences, log, train, write_job

from spineseg.config.data import DataConfig
from spineseg.data.manifest import Dataset
from spineseg.data.merge import prepare_dataset
from spineseg.events import Epoch
from spineseg.training.devices import Device
from spineseg.training.launcher import Launcher
from spineseg.training.weights import bundled_weights

HERE = Path(__file__).parents[1]


def films(home: Path, count: int, size_px: int) -> Dataset:
    """Return a data set of phantoms."""
    phantom = {"kind": "phantom", "seed": 1, "film_size_px": size_px, "difficulty": 0.1}
    phantom |= {"frontal_films": count // 2, "lateral_films": count - count // 2}
    return prepare_dataset(DataConfig.model_validate({"sources": [phantom]}), home / "data")


def compared(kills: int, device: Device) -> None:
    """Print what a training that is killed leaves otherwise than one that is not."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        dataset, launcher = films(home, 20, 64), Launcher(home / "cache")
        for run, count in (("whole", 0), ("killed", kills)):
            write_job(home / run, dataset, CONFIG, bundled_weights())
            left = train(launcher, home / run, count, device=device)
        apart = differences(home / "whole", home / "killed")
        print(f"killed with {left} epochs done: {len(apart)} figures and weights differ")
        for key, value in apart.items():
            print(f"  {key}: {value:g}")


def epoch_seconds(device: Device) -> float:
    """Return the median seconds of an epoch of 60 films at 192 px, without the first."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        config = CONFIG.with_(image_size_px=192, batch=16, mixup=0.0)
        write_job(home / "run", films(home, 80, 192), config, bundled_weights())
        train(Launcher(home / "cache"), home / "run", device=device)
        seconds = [e.epoch_seconds for e in log(home / "run") if isinstance(e, Epoch)]
        return statistics.median(seconds[1:])


def timed(tree: Path, device: Device) -> float:
    """Return the seconds of an epoch, measured in another process with a tree's own code."""
    code = "import sys, exact_resume as e; print(e.epoch_seconds(e.Device(*sys.argv[1:])))"
    done = subprocess.run(
        [sys.executable, "-c", code, device.name, device.description],
        env=os.environ | {"PYTHONPATH": f"{HERE / 'benchmarks'}:{tree}:{tree / 'src'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    """Print the comparison, and the times where another tree is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--other", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    device = Device(asked.device, asked.device)
    if asked.kills:
        compared(asked.kills, device)
    if asked.other:
        times: dict[Path, list[float]] = {HERE: [], asked.other: []}
        for number in range(asked.rounds):
            for tree in list(times)[:: 1 if number % 2 else -1]:
                times[tree].append(timed(tree, device))
        for tree, seconds in times.items():
            print(f"{tree}: {statistics.median(seconds):.2f} s an epoch {seconds}")


if __name__ == "__main__":
    main()
