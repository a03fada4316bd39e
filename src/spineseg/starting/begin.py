"""Begins a study of a folder of films: looks, guesses, divides, times, sizes, writes its config."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import Field

from spineseg.config.model import Model
from spineseg.config.study import StoreConfig, StudyConfig
from spineseg.data.manifest import Dataset
from spineseg.errors import UnlabelledError
from spineseg.files import shown, staging
from spineseg.places import Caches
from spineseg.starting.config_text import chosen_place, config_text, study_name, write_config
from spineseg.starting.enough import (
    LEAST_FOR_PROMOTION,
    LEAST_FOR_STUDY,
    Division,
    division,
)
from spineseg.starting.folder_sources import formats_of
from spineseg.starting.found import Found, alike_films, data_config, found_in, whose_films
from spineseg.starting.found_text import division_text, found_text
from spineseg.starting.look import Look, look_at
from spineseg.starting.said import Say, meanwhile
from spineseg.starting.sizing import CPU_HOURS, GPU_HOURS, Pace, Sized, assumed_pace, sized
from spineseg.starting.timing_films import timing_dataset, timing_study
from spineseg.training.devices import CPU, Device, chosen_devices

Time = Callable[[StudyConfig, Dataset, Device], tuple[float, float]]
"""Returns the seconds that training and validation take of one epoch of a study's baseline."""


class Begun(Model):
    """A study that was begun: what was found, how it is divided and sized, and its config."""

    study: str
    config: Path
    device: str
    found: Found
    division: Division
    sized: Sized
    next: str = Field(description="The command that runs it.")

    def text(self) -> str:
        """Return how the study is divided and sized, and what to do next."""
        return (
            f"{division_text(self.division, self.sized, self.device)}\n\n"
            f"written      {shown(self.config)}: look at it, then\n"
            f"             {self.next}"
        )


def begin(
    folder: Path,
    name: str | None,
    out: Path | None,
    hours: float | None,
    time: Time | None,
    say: Say,
    show: Say,
) -> Begun:
    """Write the config of a study on the films in `folder`, and return what was found and chosen.

    `time` measures a few batches, none: a pace is assumed; `show` gets what was found before
    anything is timed. Raises SpinesegError, with what is missing, where there can be no study:
    nothing is written then.
    """
    name = study_name(folder, name)
    place = chosen_place(name, out)
    devices = chosen_devices("auto")
    on_gpu = devices[0] != CPU
    with staging(Caches(StoreConfig().root).data, "init") as scratch:
        look = _looked(folder, scratch, say)
        found = found_in(look)
        show(found_text(found))
        whose = whose_films(look)
        by_sample = len(whose) + len(look.problems) < len(look.films)
        divided = division(
            whose, alike_films(look), of_all=len(look.films) if by_sample else None
        )
        pace = assumed_pace(on_gpu)
        if time is not None:
            with meanwhile("timing a few batches", say):
                pace = _timed(look, found, time, scratch, devices[0])
    chosen = sized(
        divided.films["train"],
        divided.films["valid"],
        longest_px=found.longest_px,
        body_share=look.body_share,
        pace=pace,
        on_gpu=on_gpu,
        devices=len(devices),
        hours=hours or (GPU_HOURS if on_gpu else CPU_HOURS),
    )
    device = ", ".join(each.description for each in devices)
    text, command = config_text(found, divided, chosen, name=name, place=place, device=device)
    write_config(place, text)
    return Begun(
        study=name,
        config=place,
        device=device,
        found=found,
        division=divided,
        sized=chosen,
        next=command,
    )


def _looked(folder: Path, scratch: Path, say: Say) -> Look:
    films = scratch / "films"
    films.mkdir()
    try:
        return look_at(folder, films, say)
    except UnlabelledError as error:
        formats = ", ".join(f"{suffix} {count}" for suffix, count in formats_of(folder).items())
        raise UnlabelledError(
            f"{shown(folder)}: {error.films:,} films ({formats}) and no labels: outline the "
            f"vertebrae of at least {LEAST_FOR_STUDY} patients, as in Label Studio "
            f"({LEAST_FOR_PROMOTION} with a sealed test part), and export them beside as YOLO "
            "segmentation, COCO or JSON; `spineseg predict` marks films without labels",
            error.films,
        ) from None


def _timed(look: Look, found: Found, time: Time, scratch: Path, device: Device) -> Pace:
    """Return the pace of a training of a few batches, on some of the films."""
    data = data_config(look, found.no_levels, boxes=bool(found.boxes))
    study = timing_study(look, data, scratch / "timing", on_gpu=device != CPU)
    folder = scratch / "dataset"
    folder.mkdir()
    dataset = timing_dataset(look, study, folder)
    train, valid = time(study, dataset, device)
    count = dataset.manifest.count
    return Pace(train / count("train"), valid / count("valid"), study.baseline.image_size_px)
