"""Train small networks of each family on eight films, and score them on these: budget, or a fault?

python benchmarks/learnt_by_heart.py [--families mask_rcnn sam] [--side 128] [--epochs 80]

What a family cannot learn by heart it cannot learn from many films either. Two films a step, from
random weights, nothing moves. Told are mask mAP50 with levels and without, of each detection by
itself; of SAM the latter counts, since boxes and levels are those of the network that prompts it.
Figures of phantoms.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from run_folders import make_job

from spineseg.config.data import DataConfig
from spineseg.config.training import TrainConfig
from spineseg.data.labelled import read_films
from spineseg.data.manifest import Dataset
from spineseg.data.merge import prepare_dataset
from spineseg.evaluation.evaluate import evaluate_weights
from spineseg.events import Finished, read_events
from spineseg.levels import View
from spineseg.phantom.export import write_films
from spineseg.phantom.film import VIEWS
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.training.devices import CPU
from spineseg.training.launcher import Launcher
from spineseg.training.weights import bundled_weights

FAMILIES: dict[str, dict[str, Any]] = {
    "yolo": {"model": "yolo11n-seg", "lr0": 0.002, "mosaic": 0.0},
    "mask_rcnn": {"model": "maskrcnn-resnet18", "lr0": 0.001},
    "mask2former": {"model": "mask2former-small", "lr0": 0.001},
    "sam": {"model": "sam-small", "lr0": 0.001, "train_encoder": True, "prompts": "bundled"},
}
_LEARNT = 0.9
STILL = {
    "batch": 2,
    "nominal_batch": 2,
    "optimizer": "AdamW",
    "weights": "random",
    "warmup_epochs": 2,
    "scale": 0.0,
    "translate": 0.0,
    "fliplr": 0.0,
    "hsv_v": 0.0,
}


def eight_films(home: Path, view: View, side: int) -> Dataset:
    """Return clear phantoms of one view, eight to train on and two beside them."""
    count = {"frontal_films": 0, "lateral_films": 0} | {f"{view}_films": 10}
    folders = write_films(home / "films", seed=3, size_px=side, difficulty=0.0, **count)
    source = {"kind": "local", "path": folders[VIEWS.index(view)]}
    data = {"sources": [source], "valid_fraction": 0.2, "test_fraction": 0.0}
    return prepare_dataset(DataConfig.model_validate(data), home / "data")


def learnt(family: str, side: int, epochs: int, dataset: Dataset, home: Path) -> str:
    """Return what a family's network scores on the films that it was trained on, in a line."""
    told = STILL | {"image_size_px": side, "epochs": epochs} | FAMILIES[family]
    job = make_job(
        config=TrainConfig.model_validate(told),
        dataset=dataset.folder.resolve(),
        data_fingerprint=dataset.fingerprint,
        prompter=bundled_weights() if family == "sam" else None,
    )
    folder = home / family
    job.write(folder)
    child = Launcher(home / "cache").start(folder, CPU)
    while child.is_alive():
        child.wait(0.5)
    end = read_events(folder, job.id)[-1]
    if not isinstance(end, Finished):
        return f"{family}: {end}"
    scores = evaluate_weights(
        folder / end.last_weights,
        read_films(dataset.folder, "train"),
        image_size_px=side,
        device="cpu",
        numbering=NumberingModel(),
    ).scores["argmax"]
    own, any_level = scores.value("mask_map50"), scores.any_level["mask_map50"]
    boxes = scores.value("box_map50")
    precision = {level: one.mask_ap50 for level, one in scores.levels.items()}
    missed = [level for level, ap in precision.items() if ap is not None and ap < _LEARNT]
    return (
        f"{family}: mask mAP50 {own:.3f}, whatever the level {any_level:.3f}, box mAP50 {boxes:.3f}"
        + (f"; not learnt: {', '.join(missed)}" if missed else "")
    )


def main() -> None:
    """Print a line a family."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=80)
    parser.add_argument("--view", choices=VIEWS, default="lateral")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        home = Path(name)
        dataset = eight_films(home, asked.view, asked.side)
        for family in asked.families:
            print(learnt(family, asked.side, asked.epochs, dataset, home), flush=True)


if __name__ == "__main__":
    main()
