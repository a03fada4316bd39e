"""Time the evidence: paired bootstrap of two runs, and the evaluator beside the trainer's own.

python benchmarks/evidence_cost.py --data DIR [--films 113]      # about 2 minutes on 2 CPU cores

DIR is a labelled dataset; its first films are predicted with the bundled weights. Reported are
seconds of 10,000 paired resamples of mask mAP50-95, of the project's evaluation, and of
Ultralytics' validation of the same films at full mask resolution, and how far their scores differ.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml

from spineseg.data.labelled import read_films
from spineseg.data.merged_labels import label_path
from spineseg.evaluation.evaluate import evaluate_weights
from spineseg.evaluation.records import FilmRecord
from spineseg.evidence.resampling import draw_patients
from spineseg.evidence.run_matches import RunMatches
from spineseg.metrics import PRECISIONS
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.process_setup import prepare_environment
from spineseg.training.weights import bundled_weights
from spineseg.training.yolo.validation import validate_weights

RESAMPLES = 10_000


def small_dataset(source: Path, films: int, target: Path) -> Path:
    """Copy the first films of a dataset into a validation part of its own."""
    for film in read_films(source, "all")[:films]:
        for kind, file in (("images", film.path), ("labels", label_path(film.path))):
            (target / "valid" / kind).mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target / "valid" / kind / file.name)
    names = yaml.safe_load((source / "data.yaml").read_text())["names"]
    content = {"train": "valid/images", "val": "valid/images", "names": names, "nc": len(names)}
    (target / "data.yaml").write_text(yaml.safe_dump(content | {"path": str(target)}))
    return target


def shifted(record: FilmRecord, rng: np.random.Generator) -> FilmRecord:
    """Return a film's record with masks that overlap a little less."""
    return record.changed(
        mask_iou=[[float(v * rng.uniform(0.9, 1)) for v in row] for row in record.mask_iou]
    )


def bootstrap_seconds(records: list[FilmRecord]) -> float:
    """Return the seconds of paired resamples of two runs: the records, and a shifted copy."""
    rng = np.random.default_rng(0)
    other = [shifted(record, rng) for record in records]
    runs = [RunMatches.of(records), RunMatches.of(other)]
    start = time.perf_counter()
    weights = draw_patients(runs[0].films, RESAMPLES, 0)
    gain = runs[1].scores("mask_map50_95", weights) - runs[0].scores("mask_map50_95", weights)
    seconds = time.perf_counter() - start
    low, high = np.quantile(gain, [0.025, 0.975])
    levels = len(runs[0].maps["mask"])
    print(
        f"{RESAMPLES} paired resamples, {len(records)} films, {levels} levels: {seconds:.2f} s "
        f"(difference {low:+.4f} to {high:+.4f})"
    )
    return seconds


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--films", type=int, default=113)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    weights = options.weights or bundled_weights()
    with tempfile.TemporaryDirectory() as name:
        prepare_environment(Path(name) / "ultralytics")
        data = small_dataset(options.data, options.films, Path(name) / "data")
        films = read_films(data, "valid")
        own = Path(name) / "best.pt"
        shutil.copy(weights, own)
        ours, theirs = [], []
        for _ in range(3):
            start = time.perf_counter()
            evaluated = evaluate_weights(
                own,
                films,
                image_size_px=options.image_size,
                device="cpu",
                numbering=NumberingModel(),
            )
            ours.append(time.perf_counter() - start)
            start = time.perf_counter()
            trainers = validate_weights(
                own,
                {
                    "data": str(data / "data.yaml"),
                    "imgsz": options.image_size,
                    "batch": 16,
                    "device": "cpu",
                    "workers": 0,
                },
                Path(name) / "validation",
            )
            theirs.append(time.perf_counter() - start)
            for cache in data.rglob("*.cache"):
                cache.unlink()
        print(f"evaluation {min(ours):.1f} s (of {[round(s, 1) for s in ours]})")
        print(f"Ultralytics' validation {min(theirs):.1f} s (of {[round(s, 1) for s in theirs]})")
        print(f"ratio {min(ours) / min(theirs):.2f}")
        for name in (metric.name for metric in PRECISIONS if metric.each_epoch):
            mine, other = evaluated.scores["argmax"].value(name), trainers[f"trainer/{name}"]
            print(f"{name:<16}{mine:.4f}, Ultralytics {other:.4f}, difference {mine - other:+.4f}")
        bootstrap_seconds(evaluated.records["argmax"])


if __name__ == "__main__":
    main()
