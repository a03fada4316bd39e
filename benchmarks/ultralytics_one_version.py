"""One version of Ultralytics at work: train a small job, or say what its settings become.

INTERPRETER benchmarks/ultralytics_one_version.py JOB.json ANSWER.json

Started by `ultralytics_versions.py` under each version's interpreter, so it imports nothing of the
project. The job's `task` is 'train', 'describe' or 'undo'; the answer is JSON.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import ultralytics
from ultralytics import settings as user_settings
from ultralytics.models.yolo.segment import SegmentationTrainer, SegmentationValidator
from ultralytics.nn.tasks import SegmentationModel
from ultralytics.utils import DEFAULT_CFG_DICT

NETWORK = "yolo11n-seg.yaml"
COCO_CLASSES = 80
LOGGERS = ("mlflow", "tensorboard", "wandb", "comet", "clearml", "neptune", "raytune", "hub", "dvc")


class Observed(SegmentationTrainer):
    """Trains as ever, and notes the first batch."""

    first_batch: dict[str, Any] | None = None

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Prepare the batch as ever; of the first one keep digests and boxes."""
        batch = super().preprocess_batch(batch)
        if self.first_batch is None:
            self.first_batch = {
                "pictures": _digest(batch["img"]),
                "masks": _digest(batch["masks"]),
                "films": [Path(file).name for file in batch["im_file"]],
                "boxes": batch["bboxes"].double().tolist(),
            }
        return batch

    def final_eval(self) -> None:
        """Do nothing: the epochs' own scores are what is compared."""


def _digest(tensor: torch.Tensor) -> str:
    return hashlib.sha256(tensor.contiguous().numpy().tobytes()).hexdigest()[:12]


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Train once; return what was resolved, the first batch, and each epoch's losses and scores."""
    trainer = Observed(overrides=job["settings"])
    answer: dict[str, Any] = {"epochs": []}

    def started(trainer: Observed) -> None:
        _seed(job)
        answer["args"] = _plain(dict(vars(trainer.args)))
        answer["groups"] = _groups(trainer)
        answer["transforms"] = _steps(trainer.train_loader.dataset.transforms)

    def first_step(trainer: Observed) -> None:
        if "first_losses" not in answer:
            answer["first_losses"] = trainer.label_loss_items(trainer.loss_items, prefix="train")

    def epoch_over(trainer: Observed) -> None:
        losses = trainer.label_loss_items(trainer.tloss, prefix="train")
        answer["epochs"].append({**_plain(losses), **_plain(trainer.metrics)})
        answer["final_groups"] = _groups(trainer)

    trainer.add_callback("on_train_start", started)
    trainer.add_callback("on_train_batch_end", first_step)
    trainer.add_callback("on_fit_epoch_end", epoch_over)
    start = time.perf_counter()
    trainer.train()
    return answer | {"seconds": time.perf_counter() - start, "first_batch": trainer.first_batch}


class _Enough(Exception):
    """The first batch's losses are known."""


def undo(job: dict[str, Any]) -> dict[str, Any]:
    """Return first losses and scores with the named sets of 8.3's rules put back."""
    from ultralytics_old_rules import old_rules

    answer: dict[str, Any] = {"losses": [], "scores": []}
    for names in job["loss_rules"]:
        with old_rules(names):
            answer["losses"].append(_first_losses(job))
    for names in job["score_rules"]:
        with old_rules(names):
            answer["scores"].append({str(size): _score(job, size) for size in job["sizes"]})
    return answer


def _first_losses(job: dict[str, Any]) -> dict[str, float]:
    trainer = Observed(overrides=job["settings"])
    losses: dict[str, float] = {}

    def first_step(trainer: Observed) -> None:
        losses.update(trainer.label_loss_items(trainer.loss_items, prefix="train"))
        raise _Enough

    trainer.add_callback("on_train_start", lambda _: _seed(job))
    trainer.add_callback("on_train_batch_end", first_step)
    with contextlib.suppress(_Enough):
        trainer.train()
    return losses


def _seed(job: dict[str, Any]) -> None:
    """Seed anew: set-up draws other numbers in each version, what follows the same."""
    for seed in (random.seed, np.random.seed, torch.manual_seed):
        seed(job["settings"]["seed"])


def describe(job: dict[str, Any]) -> dict[str, Any]:
    """Return what 'auto' becomes, how a checkpoint of 80 classes is taken over, and the score."""
    answer = {"auto": [_auto(job, case) for case in job["auto"]], "network": _taken_over(job)}
    answer["scores"] = {str(size): _score(job, size) for size in job["sizes"]}
    return answer


def _auto(job: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    """Build the optimizer for a list of so many films, batch and epochs; train nothing."""
    asked = {key: case[key] for key in ("data", "epochs", "batch")} | {"optimizer": "auto"}
    asked |= {key: DEFAULT_CFG_DICT[key] for key in ("lr0", "momentum", "warmup_bias_lr")}
    trainer = Observed(overrides=job["settings"] | asked)
    seen: dict[str, Any] = {}
    build = trainer.build_optimizer

    def noted(*args: Any, **kwargs: Any) -> Any:
        seen["iterations"] = kwargs["iterations"]
        return build(*args, **kwargs)

    trainer.build_optimizer = noted
    trainer._setup_train()
    return {
        **{key: case[key] for key in ("films", "batch", "epochs")},
        **seen,
        "groups": _groups(trainer),
        "warmup_bias_lr": trainer.args.warmup_bias_lr,
        # Warm-up ends at the setting, whatever 'auto' built the optimizer with.
        "warmed_up_to": (
            trainer.args.momentum if "momentum" in trainer.optimizer.param_groups[0] else None
        ),
    }


def _taken_over(job: dict[str, Any]) -> dict[str, Any]:
    """Start a network of the levels from one of COCO's 80 classes, random as its weights are."""
    classes = job["classes"]
    coco = SegmentationModel(NETWORK, nc=COCO_CLASSES, verbose=False)
    plain = SegmentationModel(NETWORK, nc=classes, verbose=False)
    bias = float(plain.model[-1].cv2[0][-1].bias.mean())
    started = SegmentationModel(NETWORK, nc=classes, verbose=False)
    started.load(coco, verbose=False)
    theirs, ours = coco.state_dict(), started.state_dict()
    same = [
        key
        for key, value in ours.items()
        if key in theirs and theirs[key].shape == value.shape and torch.equal(theirs[key], value)
    ]
    return {
        "parameters from random weights": _count(plain),
        "parameters from an 80-class checkpoint": _count(started),
        "channels of the class head from random weights": plain.model[-1].cv3[0][-1].in_channels,
        "channels of the class head from an 80-class checkpoint": (
            started.model[-1].cv3[0][-1].in_channels
        ),
        "tensors taken over": f"{len(same)} of {len(ours)}",
        "first bias of the box head from random weights": bias,
    }


def _count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _score(job: dict[str, Any], size: int) -> dict[str, float]:
    """Validate the starting weights as they are, as every epoch of a training is validated."""
    keys = ("data", "batch", "device", "workers", "project", "name", "exist_ok", "plots")
    args = {key: job["settings"][key] for key in keys}
    args |= {"task": "segment", "mode": "val", "imgsz": size}
    network = SegmentationModel(NETWORK, nc=job["classes"], verbose=False)
    checkpoint = torch.load(job["settings"]["pretrained"], map_location="cpu", weights_only=False)[
        "model"
    ].float()
    network.load(checkpoint, verbose=False)
    network.names = dict(checkpoint.names)
    return _plain(SegmentationValidator(args=args)(model=network))


def _groups(trainer: Observed) -> list[dict[str, Any]]:
    """Return the optimizer's groups of parameters: what they hold and how they are stepped."""
    names = {id(value): name for name, value in trainer.model.named_parameters()}
    rows = []
    for group in trainer.optimizer.param_groups:
        if not group["params"]:
            continue
        biases = all(names[id(value)].endswith("bias") for value in group["params"])
        matrices = any(value.ndim > 1 for value in group["params"])
        rows.append(
            {
                "optimizer": type(trainer.optimizer).__name__,
                "group": "biases" if biases else "weights" if matrices else "norms",
                "tensors": len(group["params"]),
                "initial_lr": float(group.get("initial_lr", group["lr"])),
                "lr": float(group["lr"]),
                "momentum": float(group.get("momentum", group.get("betas", (0.0,))[0])),
                "weight_decay": float(group["weight_decay"]),
                "nesterov": bool(group.get("nesterov", False)),
            }
        )
    return sorted(rows, key=lambda row: (row["group"], row["tensors"]))


def _steps(transform: Any) -> list[str]:
    """Return the pipeline's steps in order, each with its plain settings."""
    if hasattr(transform, "transforms"):
        return [step for part in transform.transforms for step in _steps(part)]
    values = {
        key: value
        for key, value in sorted(vars(transform).items())
        if isinstance(value, (bool, int, float, str, tuple)) or value is None
    }
    listed = ", ".join(f"{key}={value!r}" for key, value in values.items())
    return [f"{type(transform).__name__}({listed})"]


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return the plain values of a mapping, numbers of numpy and torch as Python's."""
    return {
        key: float(value) if isinstance(value, (np.floating, torch.Tensor)) else value
        for key, value in values.items()
        if isinstance(value, (bool, int, float, str, np.floating, torch.Tensor)) or value is None
    }


def main() -> None:
    """Do the job and write the answer."""
    job = json.loads(Path(sys.argv[1]).read_text())
    # A version refuses settings that it does not know; the comparison shows which those are.
    job["settings"] = {k: v for k, v in job["settings"].items() if k in DEFAULT_CFG_DICT}
    user_settings.update({name: False for name in LOGGERS if name in user_settings})
    torch.manual_seed(0)
    random.seed(0)
    answer = {"train": train, "describe": describe, "undo": undo}[job["task"]](job)
    answer["version"] = ultralytics.__version__
    Path(sys.argv[2]).write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
