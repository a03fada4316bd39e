"""Train one small job in two versions of Ultralytics, and print what differs.

python benchmarks/ultralytics_versions.py --data DIR --other-python OTHER/bin/python

DIR is a dataset in YOLO layout, as `spineseg data` makes it. The other environment holds another
Ultralytics and, for all the rest, looks into this one, so that torch is not installed twice:

    .venv/bin/python -m venv --without-pip OTHER
    .venv/bin/python -m pip --python OTHER/bin/python install --no-deps ultralytics==8.3.223
    realpath .venv/lib/python3.11/site-packages > OTHER/lib/python3.11/site-packages/zz-rest.pth

A .pth file comes after the environment's own packages, so its own Ultralytics is found first.
Each training is a process of its own with the same data, seed and settings: those of --config and
of --set. Printed, in Markdown: what 'auto' becomes, the settings and groups of the optimizer, the
augmentations and the first batch, and losses and scores by epoch, the versions' difference beside
the seeds', and what remains of it with 8.3's rules put back. The defaults (10 epochs at 192 px, 2
starts, 2 seeds) take about 10 minutes on 2 idle cores.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import yaml
from ultralytics_tables import (
    LOSS_RULES,
    OWN_SCORES,
    SCORE_RULES,
    curves,
    description,
    first_batches,
    resolved,
    table,
    undone,
)

from spineseg.config.training import TrainConfig
from spineseg.config.yaml_files import checked, read_mapping
from spineseg.process_setup import prepare_environment
from spineseg.training.weights import resolve_weights
from spineseg.training.yolo.settings import ultralytics_settings

CHILD = Path(__file__).with_name("ultralytics_one_version.py")
SMALL = {"image_size_px": 192, "batch": 4, "epochs": 10, "close_mosaic_epochs": 2}
# So long that both versions warm up alike: 8.3 for at least 100 batches, 8.4 for any number.
WARMUP_BATCHES = 100
ORIGINAL = {"films": 970, "batch": 16, "epochs": 250}
# The fewest films with which the original's epochs come to more than 10,000 iterations.
MANY = ORIGINAL | {"films": 64 * 40 + 1}
# Sides at which the bundled weights are scored; they were trained at 224 px.
SIZES = [192, 320]


def answer(python: Path, job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Have `python` do the job in a process of its own, unless it has; return what it found."""
    (folder / "settings").mkdir(parents=True, exist_ok=True)
    job_file, answer_file = folder / "job.json", folder / "answer.json"
    text = json.dumps(job, indent=1)
    if not (answer_file.exists() and job_file.read_text() == text):
        answer_file.unlink(missing_ok=True)
        job_file.write_text(text)
        _run(python, job_file, answer_file)
    found: dict[str, Any] = json.loads(answer_file.read_text())
    return found


def _run(python: Path, job_file: Path, answer_file: Path) -> None:
    folder = job_file.parent
    command = [str(python), str(CHILD), str(job_file), str(answer_file)]
    surroundings = os.environ | {
        "YOLO_CONFIG_DIR": str(folder / "settings"),
        "YOLO_OFFLINE": "true",
        "YOLO_AUTOINSTALL": "false",
        "MPLBACKEND": "Agg",
        "CUDA_VISIBLE_DEVICES": "",
    }
    surroundings.pop("PYTHONPATH", None)
    with (folder / "log.txt").open("w") as log:
        done = subprocess.run(
            command, stdout=log, stderr=subprocess.STDOUT, env=surroundings, check=False
        )
    if done.returncode:
        tail = (folder / "log.txt").read_text()[-2000:]
        raise SystemExit(f"{python} ended with {done.returncode}:\n{tail}")


def copied(data: Path, target: Path) -> Path:
    """Copy a dataset, so that nothing is written beside the user's; return its data.yaml."""
    if not target.exists():
        shutil.copytree(data, target, ignore=shutil.ignore_patterns("*.cache"))
    content = yaml.safe_load((target / "data.yaml").read_text())
    (target / "data.yaml").write_text(yaml.safe_dump(content | {"path": str(target.resolve())}))
    return target / "data.yaml"


def listed(data_yaml: Path, films: int) -> Path:
    """Return a data.yaml beside another whose training part is so many films, repeated."""
    content = yaml.safe_load(data_yaml.read_text())
    pictures = sorted((data_yaml.parent / content["train"]).iterdir())
    listing = data_yaml.with_name(f"films-{films}.txt")
    listing.write_text("\n".join(str(path) for path in islice(cycle(pictures), films)))
    target = data_yaml.with_name(f"films-{films}.yaml")
    target.write_text(yaml.safe_dump(content | {"train": str(listing)}))
    return target


def training_batches(data_yaml: Path, batch: int) -> int:
    """Return how many batches an epoch has."""
    content = yaml.safe_load(data_yaml.read_text())
    return math.ceil(len(list((data_yaml.parent / content["train"]).iterdir())) / batch)


def one_yardstick(weights: Path, dataset: Path, size: int) -> dict[str, float]:
    """Return the project's own scores of a training's last weights, numbered plainly."""
    from spineseg.evaluation.numbering import NumberingModel

    from spineseg.data.labelled import read_films
    from spineseg.evaluation.evaluate import evaluate_weights

    evaluated = evaluate_weights(
        weights,
        read_films(dataset, "valid"),
        image_size_px=size,
        device="cpu",
        numbering=NumberingModel(),
    )
    scores = evaluated.scores["argmax"]
    return {f"own/{key}": float(getattr(scores, key)) for key in OWN_SCORES}


def main() -> None:
    """Train in both versions, and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--other-python", type=Path, required=True)
    parser.add_argument("--config", type=Path, default=Path("configs/baseline.yaml"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--starts", nargs="+", default=["bundled", "random"])
    parser.add_argument("--keep", type=Path, help="Folder to keep answers in, and to go on from.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = asked.keep or Path(name)
        prepare_environment(home / "settings")
        compare(asked, home)


def compare(asked: argparse.Namespace, home: Path) -> None:
    """Do what the command line asks for, in the folder `home`."""
    pythons = [asked.other_python.absolute(), Path(sys.executable)]
    data = [copied(asked.data, home / f"data-{side}") for side in (0, 1)]
    classes = len(yaml.safe_load(data[0].read_text())["names"])
    changes = dict(pair.split("=", 1) for pair in asked.set)
    small = SMALL | {key: yaml.safe_load(value) for key, value in changes.items()}
    batches = training_batches(data[0], int(small["batch"]))
    small = {"warmup_epochs": WARMUP_BATCHES / batches} | small
    base = checked(TrainConfig, read_mapping(asked.config) | small, asked.config)

    def settings(side: int, config: TrainConfig, folder: Path) -> dict[str, Any]:
        weights = resolve_weights(config, home)
        return {
            **ultralytics_settings(config),
            "model": f"{config.model}.yaml",
            "pretrained": str(weights) if weights else False,
            "data": str(data[side]),
            "project": str(folder.resolve()),
            "name": "train",
            "exist_ok": True,
            "device": "cpu",
            "workers": 0,
            "plots": False,
        }

    described: list[dict[str, Any]] = []
    for side, python in enumerate(pythons):
        cases = [
            case | {"data": str(listed(data[side], case["films"]))} for case in (ORIGINAL, MANY)
        ]
        job = {"task": "describe", "auto": cases, "classes": classes, "sizes": SIZES}
        job["settings"] = settings(side, base.with_(weights="bundled"), home)
        described.append(answer(python, job, home / f"describe-{side}"))
    pair = (described[0]["version"], described[1]["version"])
    print(f"## {pair[0]} and {pair[1]}\n\n" + description(described, pair), flush=True)
    for start in asked.starts:
        runs: dict[tuple[int, int], dict[str, Any]] = {}
        for seed in asked.seeds:
            for side, python in enumerate(pythons):
                folder = home / f"{start}-{seed}-{side}"
                config = base.with_(weights=start, seed=seed)
                job = {"task": "train", "settings": settings(side, config, folder)}
                run = runs[side, seed] = answer(python, job, folder)
                last = folder / "train" / "weights" / "last.pt"
                # Both by the pinned version's segmenter and the project's evaluator.
                run["epochs"][-1] |= one_yardstick(last, data[1].parent, base.image_size_px)
        if start == asked.starts[0]:
            print(resolved([runs[side, asked.seeds[0]] for side in (0, 1)], pair))
        print(f"### From {start} weights\n\nThe first batch:\n")
        seen = [first_batches([runs[side, seed] for side in (0, 1)]) for seed in asked.seeds]
        rows = [[key, *(one[key] for one in seen)] for key in seen[0]]
        print(table(["", *(f"seed {seed}" for seed in asked.seeds)], rows))
        first = asked.seeds[0]
        config = base.with_(weights=start, seed=first)
        job = {"task": "undo", "classes": classes, "sizes": SIZES if start == "bundled" else []}
        job |= {"loss_rules": LOSS_RULES, "score_rules": SCORE_RULES}
        job["settings"] = settings(1, config, home / f"{start}-undo")
        put_back = answer(pythons[1], job, home / f"{start}-undo")
        scores = described[0]["scores"] if start == "bundled" else {}
        print(undone(put_back, runs[0, first]["first_losses"], scores, pair))
        print(curves(runs, asked.seeds, pair))
        seconds = [[runs[side, seed]["seconds"] for seed in asked.seeds] for side in (0, 1)]
        for version, values in zip(pair, seconds, strict=True):
            print(f"{version}: " + ", ".join(f"{value:.0f} s" for value in values))
        print(flush=True)


if __name__ == "__main__":
    main()
