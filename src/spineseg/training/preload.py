"""Imported once by the server process that training children are forked from.

Holds the slow imports. It must start no thread and touch no CUDA device, or forks of it
are unsafe.
"""

import matplotlib.figure  # noqa: F401
import torch  # noqa: F401
from ultralytics.models.yolo.segment import (  # noqa: F401
    SegmentationTrainer,
    SegmentationValidator,
)
from ultralytics.utils import SETTINGS

# There must be one owner of a run's records, and it is not the trainer's own callbacks.
_OFF = {"sync": False} | dict.fromkeys(
    ("clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wandb"), False
)
if any(SETTINGS[key] != value for key, value in _OFF.items()):
    SETTINGS.update(_OFF)
