"""Seconds of one epoch of the baseline, from a training of a few batches."""

from __future__ import annotations

import shutil
import time

from spineseg.config.study import StudyConfig
from spineseg.data.manifest import Dataset
from spineseg.errors import RunError
from spineseg.live_line import doing
from spineseg.places import StudyPlaces
from spineseg.recorded_job import new_job
from spineseg.runs import Run, read_run
from spineseg.training.control import LOG_FILE
from spineseg.training.devices import Device
from spineseg.training.launcher import Launcher
from spineseg.trials import TrialSpec, numbering_of

TIMING_BATCHES = 4
_EPOCHS = 2


def epoch_parts(config: StudyConfig, dataset: Dataset, device: Device) -> tuple[float, float]:
    """Return seconds of training and of validation in a baseline epoch, by a few batches of one.

    Raises RunError where that training failed.
    """
    places = StudyPlaces(config.store.root, config.name)
    films = dataset.manifest.count("train")
    fraction = min(1.0, TIMING_BATCHES * config.baseline.batch / films)
    spec = TrialSpec("timing", "timing", {"epochs": _EPOCHS})
    job = new_job(
        config, places, dataset, numbering_of(config), spec, number=0, parameters={}
    ).model_copy(update={"fraction": fraction})
    folder = places.timing / job.folder_name
    shutil.rmtree(places.timing, ignore_errors=True)
    job.write(folder)
    child = Launcher(places.trainer).start(folder, device)
    doing("timing a few batches of the baseline")
    try:
        while child.is_alive() and len(read_run(folder).epochs) < _EPOCHS:
            time.sleep(0.1)
    finally:
        child.kill()
    seconds = _seconds(read_run(folder), fraction)
    shutil.rmtree(places.timing, ignore_errors=True)
    return seconds


def _seconds(run: Run, fraction: float) -> tuple[float, float]:
    if len(run.epochs) < _EPOCHS:
        reason = run.failed.message if run.failed else "the training process died"
        raise RunError(f"the timing run failed: {reason}; see {run.folder / LOG_FILE}")
    second = run.epochs[1]  # The first one warms up.
    training = (second.epoch_seconds - second.validation_seconds) / fraction
    return training, second.validation_seconds
