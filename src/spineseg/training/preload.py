"""Imported once by the server process that training children are forked from.

Holds the slow imports. It must start no thread and touch no CUDA device, or forks of it
are unsafe.
"""

import logging

import matplotlib.figure  # noqa: F401
import torch  # noqa: F401
from ultralytics.models.yolo.segment import (  # noqa: F401
    SegmentationTrainer,
    SegmentationValidator,
)
from ultralytics.utils import LOGGER, SETTINGS

LOGGER.setLevel(logging.INFO)  # From here on it writes to a run's train.log.
for _handler in LOGGER.handlers:
    _handler.setLevel(logging.INFO)

# There must be one owner of a run's records, and it is not the trainer's own callbacks.
_OFF = {"sync": False} | dict.fromkeys(
    ("clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wandb"), False
)
if any(SETTINGS[key] != value for key, value in _OFF.items()):
    SETTINGS.update(_OFF)
