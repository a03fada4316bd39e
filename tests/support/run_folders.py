"""Run folders made by hand: a job, a log, weights; nothing is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spineseg.config.training import TrainConfig
from spineseg.events import Epoch, Failed, Finished, Started, append_event
from spineseg.job import Job
from spineseg.prediction.numbering.model import NumberingModel


def make_job(**changes: Any) -> Job:
    """Return a job of the study `small`; what is not named is its baseline's."""
    name = changes.get("name", "baseline")
    changed = {} if name == "baseline" else {"fliplr": 0.0}
    values = {
        "study": "small",
        "number": 0,
        "kind": "baseline" if name == "baseline" else "variant",
        "name": name,
        "arm": name,
        "changes": changed,
        "config": TrainConfig(epochs=3, lr0=0.01, **changed),
        "objective": "mask_map50_95",
        "data_fingerprint": "d" * 64,
        "synthetic": True,
        "dataset": Path("/data"),
        "weights": None,
        "weights_sha256": None,
        "numbering": NumberingModel(),
        "code_version": "0.1.0-of-then",
        "created": 1_700_000_000.0,
    }
    if "config" in changes:
        values |= {"changes": {}}
    return Job.model_validate(values | changes)


def write_finished(study: Path, job: Job, epochs: int = 3, end: str | None = "completed") -> Path:
    """Write a run into its study's folder, as a child leaves it; return the run's folder."""
    folder = study / job.folder_name
    study.mkdir(parents=True, exist_ok=True)
    job.write(folder)
    weights = folder / "train" / "weights"
    weights.mkdir(parents=True)
    for name in ("best.pt", "last.pt"):
        (weights / name).write_bytes(b"weights")
    (folder / "train" / "results.csv").write_text("epoch\n")
    (folder / "train" / "BoxPR_curve.png").write_bytes(b"png")
    (folder / "valid-scores-argmax.json").write_text("{}")
    append_event(
        folder,
        Started(
            run=job.id,
            time=job.created + 1,
            pid=1,
            device="CPU",
            parameters=5,
            resolved={"imgsz": 64},
            environment={"python": "3.11"},
        ),
    )
    for number in range(1, epochs + 1):
        append_event(folder, epoch(job, number))
    if end == "failed":
        failed = Failed(run=job.id, kind="nan_loss", message="no number", traceback="Traceback")
        append_event(folder, failed)
    elif end:
        append_event(folder, finished(job, epochs, end))
    return folder


def epoch(job: Job, number: int) -> Epoch:
    """Return one epoch of a run."""
    return Epoch(
        run=job.id,
        time=job.created + 10 * number,
        epoch=number,
        metrics={"valid/mask_map50": number / 10, "valid/mask_map50_95": number / 10},
        system={"system/cpu_utilization_percentage": 50.0},
        epoch_seconds=1.0,
        validation_seconds=0.2,
    )


def finished(job: Job, epochs: int, outcome: str = "completed") -> Finished:
    """Return the end of a run."""
    return Finished.model_validate(
        {
            "run": job.id,
            "time": job.created + 100,
            "outcome": outcome,
            "epochs": epochs,
            "best_epoch": 2,
            "batch": 8,
            "optimizer": "AdamW",
            "trainer_metrics": {"trainer/mask_map50": 0.3},
            "metrics": {"best/mask_map50": 0.31, "best/mask_map50_95": 0.31},
            "train_seconds": 3.0,
            "best_weights": "train/weights/best.pt",
            "last_weights": "train/weights/last.pt",
        }
    )
