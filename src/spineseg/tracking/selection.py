"""What of a run's record stands in MLflow's columns: few figures, rounded to what they mean.

A page of 150 metrics hides the four that a person compares. What is not chosen here is in the
run's artifacts: `events.jsonl`, `evaluation/`, `settings/resolved.json`, `environment.json`.
"""

from __future__ import annotations

import math
from typing import Any

from spineseg.events import Epoch, Finished, Scored, Started
from spineseg.job import Job
from spineseg.metrics import METRICS

MOST = 60
"""Metrics, and parameters, that one training has in MLflow at most."""
GAIN = "gain"
_LOSSES = ("box_loss", "seg_loss", "cls_loss", "dfl_loss")
_EACH_EPOCH = {
    *(f"{part}/{loss}" for part in ("train", "valid") for loss in _LOSSES),
    *(f"valid/{kind}_{m}" for kind in ("mask", "box") for m in ("precision", "recall")),
    *(f"valid/{kind}_{m}" for kind in ("mask", "box") for m in ("map50", "map50_95")),
    *(f"lr/pg{group}" for group in range(3)),
}
_MOST_SYSTEM = 8  # Readings of one machine: four, and two for each GPU.
_FRONT = {"mask_map50": "mask_map50", "level_rate": "right_level_rate"}
"""What a person compares first -> its name in the table of metrics."""
_BEST = (
    *(metric.name for metric in METRICS if metric.name not in _FRONT.values()),
    *("mask_precision", "mask_recall", "mask_best_f1", "mask_best_f1_confidence", "box_best_f1"),
    *("invented", "doubled", "mean_dice", "mean_boundary_px", "seconds_per_film"),
    *(
        "outline_error",
        "cobb_error_deg",
        "centreline_error_deg",
        "disc_ratio_error",
        "not_measured",
    ),
)
_TEST = tuple(metric.name for metric in METRICS)


def epoch_metrics(event: Epoch) -> dict[str, float]:
    """Return what is shown of an epoch: losses, the trainer's scores, rates, the machine."""
    system = dict(sorted(event.system.items())[:_MOST_SYSTEM])
    values = {key: value for key, value in event.metrics.items() if key in _EACH_EPOCH}
    return _rounded(values | system | {"system/epoch_seconds": event.epoch_seconds})


def end_metrics(job: Job, end: Finished, baseline: float | None) -> dict[str, float]:
    """Return what is shown of a training that ended with weights, what is compared first in front.

    `baseline` is the objective of the first baseline; None where it is not known yet.
    """
    named = {front: f"best/{name}" for front, name in _FRONT.items()}
    named |= {f"best/{name}": f"best/{name}" for name in _BEST}
    values = {key: end.metrics[name] for key, name in named.items() if name in end.metrics}
    score = end.metrics[f"best/{job.objective}"]
    values |= {"score": score, "best/epoch": end.best_epoch}
    if baseline is not None and job.kind != "baseline":
        values[GAIN] = score - baseline
    return _rounded(values | effort(end.epochs, end.train_seconds))


def effort(epochs: int, seconds: float) -> dict[str, float]:
    """Return how long a training took, however it ended."""
    return {"epochs": epochs, "hours": round(seconds / 3600, 3)}


def test_metrics(event: Scored) -> dict[str, float]:
    """Return what is shown of the scores on a further part."""
    wanted = {f"{event.part}/{name}" for name in _TEST}
    return _rounded({key: value for key, value in event.metrics.items() if key in wanted})


def settings_in_sight(job: Job, event: Started) -> dict[str, Any]:
    """Return the size of the network, and the settings that are not used as they were asked for.

    As `used/NAME`: an optimizer or a rate that 'auto' stands for, no mixed precision on a CPU.
    """
    asked = job.config.model_dump(exclude={"model", "weights"})
    used = {
        f"used/{name}": event.resolved.get(f"{name}_used", event.resolved.get(name, value))
        for name, value in asked.items()
    }
    other = [(key, value) for key, value in used.items() if value != asked[key[5:]]]
    room = MOST - len(job.config.model_dump()) - 1
    return {"parameters": event.parameters, **dict(other[:room])}


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {key: _round(key, value) for key, value in values.items()}


def _round(key: str, value: float) -> float:
    if not math.isfinite(value):
        return value
    if key.startswith("lr/"):
        return float(f"{value:.4g}")
    return round(value, 1 if key.startswith("system/") else 4)
