"""YOLO's networks, trained by Ultralytics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spineseg.training.families.protocol import Asked, Hooks
from spineseg.training.film_cache import film_cache
from spineseg.training.saved import Saved
from spineseg.training.yolo.plots import draw_results
from spineseg.training.yolo.settings import ultralytics_settings
from spineseg.training.yolo.stripped import strip
from spineseg.training.yolo.trainer import train_with
from spineseg.training.yolo.validation import validate_weights

SUFFIX = ".pt"


def train(asked: Asked, saved: Saved | None, hooks: Hooks) -> None:
    """Train with Ultralytics' trainer, as `Trainings` says."""
    cache = film_cache(asked.job, asked.orders.neighbours)
    train_with(
        settings(asked) | {"cache": cache},
        asked.job.id,
        saved,
        hooks,
        split=asked.orders.split,
        drawing=asked.drawing,
    )


def own_scores(asked: Asked, best: Path) -> dict[str, float]:
    """Return Ultralytics' validation of the best weights; its curves are drawn meanwhile."""
    draw_results(asked.drawing, asked.folder / "results.csv")
    split = asked.orders.split
    return validate_weights(best, settings(asked), asked.folder, split, asked.drawing)


def stripped(weights: Path) -> None:
    """Drop the optimiser's state from a file of weights."""
    strip(weights)


def settings(asked: Asked) -> dict[str, Any]:
    """Return a training in Ultralytics' own words."""
    job, on_cpu = asked.job, asked.device == "cpu"
    return {
        **ultralytics_settings(job.config),
        "model": f"{job.config.model.removesuffix('-seg')}-seg.yaml",
        "pretrained": str(job.weights) if job.weights else False,
        "data": str(job.dataset / "data.yaml"),
        "project": str(asked.folder.parent.resolve()),
        "name": asked.folder.name,
        "exist_ok": True,
        "device": asked.device,
        "workers": 0 if on_cpu else min(8, asked.orders.share_of_cores()),
        "plots": True,
        "fraction": job.fraction,
    }
