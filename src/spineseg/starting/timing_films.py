"""A few of the films as a dataset of their own, to time a training on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from spineseg.config.data import DataConfig
from spineseg.config.study import DeviceConfig, StoreConfig, StudyConfig
from spineseg.config.training import TrainConfig
from spineseg.data.gather import gathered
from spineseg.data.manifest import Dataset
from spineseg.data.merge import merged
from spineseg.films import Part
from spineseg.starting.looked import Look
from spineseg.starting.sizing import TIMED_PX, Pace, batch_for
from spineseg.training.devices import CPU, Device

TIMED_BATCHES = 4
_TIMED_VALID = 8  # Films: validation takes a fraction of a training's time.
Time = Callable[[StudyConfig, Dataset, Device], tuple[float, float]]
"""Returns the seconds that training and validation take of one epoch of a study's baseline."""


def timed_pace(time: Time, look: Look, data: DataConfig, scratch: Path, device: Device) -> Pace:
    """Return the pace of a training of a few batches on some of the films, made in `scratch`."""
    study = _study(look, data, scratch / "timing", on_gpu=device != CPU)
    folder = scratch / "dataset"
    folder.mkdir()
    dataset = _dataset(look, study, folder)
    train, valid = time(study, dataset, device)
    count = dataset.manifest.count
    return Pace(train / count("train"), valid / count("valid"), study.baseline.image_size_px)


def _study(look: Look, data: DataConfig, root: Path, *, on_gpu: bool) -> StudyConfig:
    """Return the study whose baseline is timed; what it writes lies in `root`."""
    return StudyConfig(
        name="timing",
        data=data,
        baseline=TrainConfig(
            weights="bundled",
            image_size_px=TIMED_PX[on_gpu],
            batch=batch_for(len(look.films)),
            optimizer="AdamW",
            lr0=0.001,
        ),
        devices=DeviceConfig(device="auto"),
        store=StoreConfig(root=root),
    )


def _dataset(look: Look, config: StudyConfig, folder: Path) -> Dataset:
    """Return a dataset of some batches of labelled films, made in `folder`, empty."""
    usable = [at for at in look.facts if look.films[at].film.has_labels]
    valid = max(1, min(_TIMED_VALID, len(usable) // 3))
    chosen = usable[: valid + TIMED_BATCHES * config.baseline.batch]
    data = config.data.model_copy(update={"split": "keep", "patient_pattern": None})
    data = data.model_copy(update={"patients_from": "names"})
    intakes = []
    for place, at in enumerate(chosen):
        part: Part = "valid" if place < valid else "train"
        intake = look.films[at]
        film = replace(intake.film, part=part)
        source = data.sources[intake.source_number]
        intakes.append(replace(intake, film=film, source=source))
    sources = [
        replace(source, config=own) for source, own in zip(look.sources, data.sources, strict=True)
    ]
    found = gathered(intakes, sources, data, folder, b"")
    return Dataset(folder, merged(found, sources, data, folder))
