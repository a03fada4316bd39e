"""The commented config of a study that is begun: each choice with its reason."""

from __future__ import annotations

import re
import shlex
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import jinja2
import yaml

from spineseg.config.model import SLUG
from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import checked
from spineseg.errors import ConfigError, DataError
from spineseg.evidence.significance import LEAST_PATIENTS, detectable_effect
from spineseg.files import shown, write_whole
from spineseg.films import PARTS
from spineseg.places import StudyPlaces
from spineseg.starting.enough import LEAST_FOR_PROMOTION, Division
from spineseg.starting.found import Found
from spineseg.starting.found_text import patient_lines
from spineseg.starting.sizing import Sized, hours_text

STUDIES = Path("configs/studies")
_VARIANTS = {
    "random-start": (
        "The bundled synthetic weights are worth more than random ones at equal epochs.",
        "{weights: random}",
    ),
    "no-flips": (
        "Flips hide heart, stomach and side; without them levels are told apart better.",
        "{fliplr: 0.0}",
    ),
    "no-mosaic": (
        "Mosaic cuts the skull, first rib and sacrum off, by which a column is numbered.",
        "{mosaic: 0.0}",
    ),
    "upright": (
        "With no flips, rotation or mosaic every cue that numbers a column stays.",
        "{fliplr: 0.0, mosaic: 0.0}",
    ),
}


def study_name(folder: Path, name: str | None) -> str:
    """Return the name asked for, else the folder's as a study may be called."""
    if name is not None:
        return name
    plain = (
        unicodedata.normalize("NFKD", folder.resolve().name.casefold())
        .encode("ascii", "ignore")
        .decode()
    )
    return re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:60] or "own-films"


def chosen_place(name: str, out: Path | None) -> Path:
    """Return where the config is to be written.

    Raises ConfigError for a name that no study may have, where a file is there, and where a study
    of that name is on record.
    """
    if not re.fullmatch(SLUG, name):
        raise ConfigError(
            f"--name {name!r}: a study's name is of small letters, digits, - and _, as my-films"
        )
    place = out or STUDIES / f"{name}.yaml"
    if place.exists():
        remedy = "--out" if out else "--name or --out"
        raise ConfigError(f"{shown(place)}: is there already; give another {remedy}")
    runs = list(StudyPlaces(Path("mlruns"), name).folder.glob("*/job.json"))
    if runs:
        raise ConfigError(
            f"study {name!r} is on record already, with {len(runs)} runs; give another --name"
        )
    return place


def config_text(
    found: Found, division: Division, sized: Sized, *, name: str, place: Path, device: str
) -> tuple[str, str]:
    """Return the YAML of the study, checked, and the command that runs it."""
    parts = ", ".join(
        f"{division.part_patients[part]} {part} ({division.films[part]} films)"
        for part in PARTS
        if division.films[part]
    )
    text = _template().render(
        n=found,
        folder=found.folder,
        sources=found.sources,
        name=name,
        command_path=shlex.quote(str(place)),
        head=_wrapped(_head(division, sized, device), 98),
        sized=sized,
        division=division,
        guess=found.guess,
        parts=_wrapped(
            [f"Of {division.patients} patients, copies of one picture joined: {parts}."], 96
        ),
        patient_lines=_wrapped(patient_lines(found.guess), 96),
        drop_classes=found.no_levels,
        boxes=found.boxes,
        problems=len(found.problems) + found.lost,
        body=f"; a body is {sized.body_px:.0f} px across its shorter side" if sized.body_px else "",
        variants=[
            {"name": n, "hypothesis": _VARIANTS[n][0], "changes": _VARIANTS[n][1]}
            for n in sized.variants
        ],
        detectable=detectable_effect(sized.seeds, sized.top),
        least_patients=LEAST_PATIENTS,
    )
    checked(StudyConfig, yaml.safe_load(text), place)
    return text, f"spineseg run {shlex.quote(str(place))}"


def _head(division: Division, sized: Sized, device: str) -> Iterator[str]:
    """Yield what to expect of the study."""
    yield (
        f"Expect {sized.trainings} trainings in {hours_text(sized, device)}"
        + ("." if sized.timed else "; `spineseg plan` times a few batches.")
    )
    if sized.over_budget:
        yield (
            f"That is more than the {sized.budget_hours:g} h asked for, and no smaller study is "
            "worth its time: raise --hours, or use a GPU."
        )
    if not division.can_promote:
        yield (
            f"Nothing can be promoted: {division.patients} patients leave no sealed test part, "
            f"{LEAST_FOR_PROMOTION} would."
        )


def _wrapped(lines: Iterable[str], width: int) -> list[str]:
    return [row for line in lines for row in textwrap.wrap(line, width, break_long_words=False)]


def write_config(place: Path, text: str) -> None:
    """Write the config, whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    write_whole(place, text)


def _quoted(value: object) -> str:
    """Return a text as YAML in one line, whatever it holds."""
    try:
        str(value).encode()
    except UnicodeEncodeError:
        raise DataError(
            f"{shown(str(value))}: its name is no text (UTF-8) and cannot stand in a config; "
            "rename it"
        ) from None
    dumped = yaml.safe_dump(str(value), default_style="'", width=10**6, allow_unicode=True)
    return str(dumped).strip()


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("spineseg.starting", ""),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # YAML; whatever a person named is quoted as such.
        keep_trailing_newline=True,
    )
    environment.filters["quoted"] = _quoted
    environment.filters["padded"] = lambda value, width: str(value).ljust(width)
    return environment.get_template("study.yaml.j2")
