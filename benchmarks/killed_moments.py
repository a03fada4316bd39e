"""Kill a training at every moment of its writing, take it up again, and tell what differs.

python benchmarks/killed_moments.py [--epochs 1] [--moments 12,18,46]

A moment is before or in the middle of a line, a file or a move; a training of one epoch has about
ninety, each of which takes two trainings of some seconds. Told is whether the run ends with the
records and weights of one that was not killed, each epoch and its end said once.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from exact_resume import films
from killed_anywhere import KILL_AT, MOMENTS, TRAINER
from stopped_training import CONFIG, differences, log, train, write_job

from spineseg.config.training import TrainConfig
from spineseg.data.manifest import Dataset
from spineseg.events import Epoch, Finished
from spineseg.training.devices import CPU
from spineseg.training.launcher import Launcher
from spineseg.training.weights import bundled_weights


def tried(
    launcher: Launcher, dataset: Dataset, config: TrainConfig, whole: Path, moment: int
) -> str:
    """Return what came of a training that was killed at a moment: "the same", or what is not."""
    folder = whole.parent / str(moment)
    write_job(folder, dataset, config, bundled_weights())
    (folder / KILL_AT).write_text(str(moment))
    child = launcher.start(folder, CPU)
    child.wait(3600)
    if child.ended_by != "SIGKILL":
        return f"was not killed: {child.ended_by}"
    train(launcher, folder)
    events, apart = log(folder), differences(whole, folder)
    epochs = [event.epoch for event in events if isinstance(event, Epoch)]
    ends = sum(isinstance(event, Finished) for event in events)
    shutil.rmtree(folder)
    if not apart and epochs == list(range(1, config.epochs + 1)) and ends == 1:
        return "the same"
    return f"{len(apart)} figures differ, epochs {epochs}, {ends} ends"


def main() -> None:
    """Kill, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--moments", default="", help="Which, by number; default: all.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        dataset, launcher = films(home, 20, 64), Launcher(home / "cache", TRAINER)
        config = CONFIG.with_(epochs=asked.epochs, warmup_epochs=0.0)
        write_job(home / "whole", dataset, config, bundled_weights())
        train(launcher, home / "whole")
        moments = (home / "whole" / MOMENTS).read_text().splitlines()
        chosen = [int(n) for n in asked.moments.split(",") if n] or range(1, len(moments) + 1)
        for moment in chosen:
            told = tried(launcher, dataset, config, home / "whole", moment)
            print(f"{moment:4d} of {len(moments)}  {moments[moment - 1]}: {told}", flush=True)


if __name__ == "__main__":
    main()
