"""A few of the films as a dataset of their own, to time a training on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from spineseg.config.data import DataConfig
from spineseg.config.study import DeviceConfig, StoreConfig, StudyConfig
from spineseg.config.training import TrainConfig
from spineseg.data.gather import gathered
from spineseg.data.manifest import Dataset
from spineseg.data.merge import merged
from spineseg.films import Part
from spineseg.starting.look import Look
from spineseg.starting.sizing import TIMED_PX, batch_for

TIMED_BATCHES = 4
_TIMED_VALID = 8  # Films: validation takes a fraction of a training's time.


def timing_study(look: Look, data: DataConfig, root: Path, *, on_gpu: bool) -> StudyConfig:
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


def timing_dataset(look: Look, config: StudyConfig, folder: Path) -> Dataset:
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
