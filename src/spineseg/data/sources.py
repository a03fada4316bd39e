"""Opens a configured source: made, found or downloaded, in whatever layout it lies."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from spineseg.config.data import DataConfig, LocalSource, PhantomSource, RoboflowSource, Source
from spineseg.data.layouts import read_folder
from spineseg.data.manifest import ManifestSource
from spineseg.data.opened import OpenedSource
from spineseg.errors import DataError
from spineseg.files import shown
from spineseg.live_line import doing
from spineseg.phantom.version import VERSION

Say = Callable[[str], None]


def open_sources(config: DataConfig, cache: Path, say: Say) -> list[OpenedSource]:
    """Return all sources, in order; `cache` keeps what is made or fetched.

    Raises DataError where a source cannot be had or read, with the remedy.
    """
    _refuse_twice(config.sources)
    return [opened for source in config.sources for opened in _opened(source, cache, say)]


def _refuse_twice(sources: Sequence[Source]) -> None:
    """Raise DataError where one source is named twice: its films would count twice."""
    seen: dict[str, int] = {}
    for number, source in enumerate(sources):
        match source:
            case LocalSource(path=path):
                key = os.path.realpath(path.expanduser())
            case RoboflowSource():
                key = f"{source.workspace}/{source.project} v{source.version or ''}"
            case PhantomSource():
                key = source.model_dump_json()
        first = seen.setdefault(key, number)
        if first != number:
            raise DataError(
                f"data.sources.{number}: is data.sources.{first} again ({shown(key)}), and its "
                "films would count twice; remove one"
            )


def _opened(source: Source, cache: Path, say: Say) -> Iterator[OpenedSource]:
    match source:
        case LocalSource(path=path):
            place = path.expanduser()
            record = ManifestSource(name=shown(place.resolve().name), kind="local")
            yield OpenedSource(source, record, read_folder(place))
        case PhantomSource():
            for folder in _phantom(source, cache, say):
                record = ManifestSource(
                    name=f"phantom-{folder.name}", kind="phantom", version=str(VERSION)
                )
                yield OpenedSource(source, record, read_folder(folder))
        case RoboflowSource():
            from spineseg.data.roboflow.export import fetched

            folder, version = fetched(source, cache, say)
            record = ManifestSource(
                name=f"{source.workspace}/{source.project}", kind="roboflow", version=str(version)
            )
            yield OpenedSource(source, record, read_folder(folder))


def _phantom(source: PhantomSource, cache: Path, say: Say) -> tuple[Path, Path]:
    """Return the phantom's folders; a film is drawn once, however often it is split anew."""
    wanted = source.model_dump() | {"version": VERSION, "with": "sizes and corners"}
    key = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:12]
    folder = cache / f"phantom-{key}"
    if folder.is_dir():
        return folder / "frontal", folder / "lateral"
    from spineseg.phantom.export import write_films  # Slow to import: SciPy.

    films = source.frontal_films + source.lateral_films
    say(f"making {films} synthetic X-rays of {source.film_size_px} px")
    doing("making synthetic X-rays")
    return write_films(
        folder,
        seed=source.seed,
        frontal_films=source.frontal_films,
        lateral_films=source.lateral_films,
        size_px=source.film_size_px,
        difficulty=source.difficulty,
    )
