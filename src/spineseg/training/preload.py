"""Imported once by the server process that training children are forked from.

Holds the slow imports. It must start no thread and touch no CUDA device, or forks of it
are unsafe.
"""

# ruff: noqa: E402

import logging
import signal

# Ctrl-C is the driver's to hear: a server that ends by it half-imported leaves a traceback.
_heard = signal.signal(signal.SIGINT, signal.SIG_IGN)

import matplotlib.backends.backend_agg
import matplotlib.pyplot  # noqa: F401
import torch._inductor  # noqa: F401 - 2 s of its own: deterministic algorithms ask for it.
from ultralytics.models.yolo.segment import (  # noqa: F401
    SegmentationTrainer,
    SegmentationValidator,
)
from ultralytics.utils import LOGGER, SETTINGS

import spineseg.prediction.yolo
import spineseg.training.child
import spineseg.training.families.yolo
import spineseg.training.finish  # noqa: F401
from spineseg.training.film_cache import without_false_warning

LOGGER.addFilter(without_false_warning)
LOGGER.setLevel(logging.INFO)  # From here on it writes to a run's train.log.
for _handler in LOGGER.handlers:
    _handler.setLevel(logging.INFO)

# There must be one owner of a run's records, and it is not the trainer's own callbacks.
_OFF = {"sync": False} | dict.fromkeys(
    ("clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wandb"), False
)
if any(SETTINGS[key] != value for key, value in _OFF.items()):
    SETTINGS.update(_OFF)

signal.signal(signal.SIGINT, _heard)
