"""Begins a study of a folder of films: looks, guesses, divides, times, sizes, writes its config."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import Field

from spineseg.config.data import DataConfig
from spineseg.config.model import Model
from spineseg.config.study import StoreConfig
from spineseg.errors import ConfigError, UnlabelledError
from spineseg.files import shown, staging
from spineseg.places import Caches
from spineseg.starting.config_text import chosen_place, config_text, study_name, write_config
from spineseg.starting.counting import (
    alike_films,
    data_config,
    found_in,
    labelled_films,
    labelled_patients,
    whose_films,
)
from spineseg.starting.enough import (
    LEAST_FOR_PROMOTION,
    LEAST_FOR_STUDY,
    Division,
    division,
    refuse_too_few,
)
from spineseg.starting.folder_sources import formats_of
from spineseg.starting.found import Found
from spineseg.starting.found_text import division_text, found_text
from spineseg.starting.look import look_at
from spineseg.starting.looked import Look
from spineseg.starting.said import Say, meanwhile
from spineseg.starting.sizing import CPU_HOURS, GPU_HOURS, Pace, Sized, assumed_pace, sized
from spineseg.training.devices import CPU, Device, chosen_devices

_MOST_HOURS = 24 * 365
Timing = Callable[[Look, DataConfig, Path, Device], Pace]
"""Measures the pace of a training on a look's films, in a folder for what it writes."""


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
    timing: Timing | None,
    say: Say,
    *,
    quiet: bool = False,
) -> Begun:
    """Write the config of a study on the films in `folder`, and return what was found and chosen.

    `timing` measures a few batches; without it a pace is assumed. What was found is said before
    anything is timed, unless it is to be `quiet`. Raises SpinesegError, with what is missing,
    where there can be no study: nothing is written then.
    """
    if hours is not None and not 0 < hours < _MOST_HOURS:
        raise ConfigError(f"--hours {hours:g}: must be more than 0, as 2, and less than a year")
    name = study_name(folder, name)
    place = chosen_place(name, out)
    devices = chosen_devices("auto")
    on_gpu = devices[0] != CPU
    with _scratch() as scratch:
        look = _looked(folder, scratch, say)
        found = found_in(look)
        if not quiet:
            say(found_text(found))
        doubtful = look.guess.pattern if look.guess.certainty == "likely" else None
        refuse_too_few(look.labelled, labelled_patients(look), doubtful)
        whose = whose_films(look)
        by_sample = len(whose) + len(look.problems) < len(look.films)
        divided = division(
            whose,
            alike_films(look),
            labelled=labelled_films(look),
            of_all=len(look.films) if by_sample else None,
        )
        pace = assumed_pace(on_gpu)
        if timing is not None:
            data = data_config(look, found.no_levels, boxes=bool(found.boxes))
            with meanwhile("timing a few batches", say):
                pace = timing(look, data, scratch, devices[0])
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


@contextmanager
def _scratch() -> Iterator[Path]:
    """Give an empty folder where the study's data will lie, and take it away at the end."""
    data = Caches(StoreConfig().root).data
    try:
        with staging(data, "init") as scratch:
            yield scratch
    finally:
        with suppress(OSError):  # Where something else lies in one of them, they stay.
            for place in (data, *data.parents[:2]):
                place.rmdir()


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
            "segmentation, COCO or JSON; `spineseg predict DIR --weights bundled` marks them as "
            "they are",
            error.films,
        ) from None
