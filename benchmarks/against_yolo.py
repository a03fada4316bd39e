"""Time a training of ours against bare `yolo segment train` with the same arguments, in pairs.

python benchmarks/against_yolo.py [--pairs 5] [--length short] [--ours child study] [--minutes 60]

The same films, starting weights and settings, one after the other, the first of a pair by turns.
`child`: a training as a study starts its second and later ones, from a process that has torch
imported; `study`: the whole of `spineseg run` with this one training, its comparison included.
Told are the medians of wall and CPU seconds (all processes), the ratio to `yolo` as the geometric
mean over pairs, and its 95 % interval from Student's t over the logarithms. Wall time wants an idle
machine; CPU time hardly does. `short` is about 30 s of training on two cores, `long` some minutes.
Each pair is told as it ends; after so many minutes no further one begins, and what there is counts.
`short` and `long` are kept for docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from exact_resume import films
from measured import save
from stopped_training import log, write_job

from spineseg.config.training import TrainConfig
from spineseg.events import Finished
from spineseg.training.devices import CPU
from spineseg.training.launcher import Launcher
from spineseg.training.weights import bundled_weights
from spineseg.training.yolo.settings import ultralytics_settings

HERE = Path(__file__).parents[1]
# Films, their side, epochs.
LENGTHS = {"tiny": (20, 64, 1), "short": (100, 192, 3), "long": (240, 224, 6)}
T_95 = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 9: 2.26}
_LOOK_SECONDS = 0.02
KEPT = {"short": "against_yolo", "long": "against_yolo_long"}
SAID = {"child": "second and later trainings of a study", "study": "a study of one training"}
Took = tuple[float, float]  # Wall and CPU seconds.
Way = Callable[[], Took]


def watched(process: psutil.Process, ended: Callable[[], bool]) -> Took:
    """Return wall and CPU seconds until it has ended, of the process and all below it."""
    start, spent = time.perf_counter(), {}
    while not ended():
        try:
            for each in [process, *process.children(recursive=True)]:
                times = each.cpu_times()
                spent[each.pid, each.create_time()] = times.user + times.system
        except psutil.Error:
            pass  # One ended just then.
        time.sleep(_LOOK_SECONDS)
    return time.perf_counter() - start, sum(spent.values())


def run(command: list[str], env: dict[str, str], home: Path) -> Took:
    """Return wall and CPU seconds of a command."""
    with (home / "said.txt").open("wb") as said:
        started = subprocess.Popen(command, env=env, cwd=home, stdout=said, stderr=said)
        took = watched(psutil.Process(started.pid), lambda: started.poll() is not None)
    if started.returncode:
        raise SystemExit((home / "said.txt").read_text()[-2000:])
    return took


class Pairs:
    """One data set and one configuration, trained in three ways."""

    def __init__(self, home: Path, length: str) -> None:
        count, side, epochs = LENGTHS[length]
        self.home, self._number = home, 0
        self.phantom = {"kind": "phantom", "seed": 1, "film_size_px": side, "difficulty": 0.1}
        self.phantom |= {"frontal_films": count // 2, "lateral_films": count - count // 2}
        self.dataset = films(home, count, side)
        self.config = TrainConfig(
            weights="bundled", image_size_px=side, batch=16, epochs=epochs, optimizer="AdamW"
        )
        self.launcher = Launcher(home / "cache")
        self.child()  # It imports torch for those that follow.

    def yolo(self) -> Took:
        """Train with `yolo segment train`."""
        self._number += 1
        settings: dict[str, Any] = {
            **ultralytics_settings(self.config),
            "model": "yolo11n-seg.yaml",
            "pretrained": str(bundled_weights()),
            "data": str(self.dataset.folder.resolve() / "data.yaml"),
            "project": str(self.home / "yolo"),
            "name": str(self._number),
            "device": "cpu",
            "workers": 0,
            "plots": True,
            "cache": "ram",
        }
        told = [f"{key}={value}" for key, value in settings.items() if value is not None]
        command = str(Path(sys.executable).with_name("yolo"))
        return run([command, "segment", "train", *told], dict(os.environ), self.home)

    def child(self) -> Took:
        """Train in a child, as a study's second training."""
        self._number += 1
        folder = self.home / f"run-{self._number}"
        write_job(folder, self.dataset, self.config, bundled_weights())
        child = self.launcher.start(folder, CPU)
        assert child._process is not None
        took = watched(psutil.Process(child._process.pid), lambda: not child.is_alive())
        assert isinstance(log(folder)[-1], Finished), log(folder)[-1]
        return took

    def study(self) -> Took:
        """Run a study of one training, from the command to its page; its films are there."""
        self._number += 1
        told = {
            "name": f"one-{self._number}",
            "description": "One training.",
            "data": {"sources": [self.phantom]},
            "baseline": self.config.model_dump(mode="json"),
            "confirm": None,
            "store": {"root": str(self.home / "mlruns")},
        }
        config = self.home / "one.yaml"
        config.write_text(yaml.safe_dump(told))
        env = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), str(HERE / "src")])}
        command = [sys.executable, "-m", "study.cli", "run", str(config)]
        return run(command, env, self.home)


def told(ours: list[float], theirs: list[float]) -> str:
    """Return the ratio over pairs with its interval, and the medians."""
    logs = [math.log(a / b) for a, b in zip(ours, theirs, strict=True)]
    middle, text = statistics.mean(logs), ""
    if len(logs) > 1:
        t = T_95.get(len(logs) - 1, 2.0)
        half = t * statistics.stdev(logs) / math.sqrt(len(logs))
        text = f" [{math.exp(middle - half):.3f}, {math.exp(middle + half):.3f}]"
    medians = f"{statistics.median(ours):.1f} s against {statistics.median(theirs):.1f} s"
    return f"{math.exp(middle):.3f}{text}: {medians}"


def paired(ours: Way, theirs: Way, asked: int, until: float) -> list[tuple[Took, Took]]:
    """Time pairs, the first of each by turns, and tell each; begin none after `until`."""
    found: list[tuple[Took, Took]] = []
    for number in range(asked):
        if time.monotonic() > until:
            print(f"  out of time: {number} of {asked} pairs", flush=True)
            break
        if number % 2:
            other = theirs()
            mine = ours()
        else:
            mine = ours()
            other = theirs()
        found.append((mine, other))
        words = (f"{a:.1f} against {b:.1f} s" for a, b in zip(mine, other, strict=True))
        print(f"  pair {number + 1}: wall {next(words)}, CPU {next(words)}", flush=True)
    return found


def main() -> None:
    """Train in pairs; print the ratios, and keep them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--length", choices=LENGTHS, default="short")
    parser.add_argument("--ours", nargs="+", choices=("child", "study"), default=["child"])
    parser.add_argument("--minutes", type=float, default=math.inf, help="For each of `--ours`.")
    asked = parser.parse_args()
    rows: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        pairs = Pairs(Path(name), asked.length)
        for way in asked.ours:
            print(f"{way} against yolo, {asked.length}", flush=True)
            if way == "study":
                pairs.study()  # Its films are made once, and the stores.
            until = time.monotonic() + 60 * asked.minutes
            found = paired(getattr(pairs, way), pairs.yolo, asked.pairs, until)
            for place, what in enumerate(("wall", "CPU")) if found else ():
                ratio = told([a[place] for a, _ in found], [b[place] for _, b in found])
                rows[f"{SAID[way]}, {what}, {len(found)} pairs"] = ratio
    if asked.length in KEPT:
        save(KEPT[asked.length], rows)
    else:
        print(*(f"{key}: {value}" for key, value in rows.items()), sep="\n")


if __name__ == "__main__":
    main()
